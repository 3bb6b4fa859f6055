"""Runs the steps of a job on Apache Spark: every task is one piece, `related-pins shard STEP --folder FOLDER --part N`.

Argument: JSON {"name", "command": [program and its first arguments], "folder", "steps": [[step, parts], ...]}.
Standard output, a line of JSON each: {"step", "done", "total"} while it runs, {"receipts": {step: [...]}} or {"failed": text} at
the end. Spark does no arithmetic here: it deals the pieces out, repeats those whose worker is lost, and says how far they are.
"""
import json
import re
import sys
import threading

import shard_child
from pyspark import SparkContext


def say(record):
    print(json.dumps(record), flush=True)


def run_step(context, order, step, parts):
    command, folder = order["command"], order["folder"]
    outcome = {}

    def work():
        try:
            pieces = context.parallelize(range(parts), parts)
            outcome["receipts"] = pieces.map(lambda part: shard_child.shard(command, folder, step, part)).collect()
        except Exception as error:  # Py4JJavaError: its text has the Python error of the task
            outcome["error"] = error

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    tracker = context.statusTracker()
    shown = None
    while worker.is_alive():
        worker.join(0.5)
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numCompletedTasks != shown:
                shown = info.numCompletedTasks
                say({"step": step, "done": shown, "total": parts})
    if "error" in outcome:
        raise outcome["error"]
    say({"step": step, "done": parts, "total": parts})
    return outcome["receipts"]


def main():
    order = json.loads(sys.argv[1])
    context = SparkContext(appName=order["name"])
    context.addPyFile(shard_child.__file__)
    try:
        say({"receipts": {step: run_step(context, order, step, parts) for step, parts in order["steps"]}})
    except Exception as error:
        found = re.search(r"RuntimeError: <<(.*?)>>", str(error), re.S)
        say({"failed": found.group(1) if found else str(error).strip().splitlines()[0]})
        sys.exit(1)
    finally:
        context.stop()


main()
