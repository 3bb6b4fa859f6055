"""Runs steps of a job on Apache Spark as they are ordered: every task is one piece, `related-pins shard STEP --folder FOLDER --part N`.

Argument: JSON {"name", "master", "command": [program and its first arguments], "folder", "address": a Unix socket of who gives the orders}.
Over that socket, a line of JSON each: in {"step", "pieces": [N, ...], "question"}; out {"done"} and {"note"} while it runs, then {"receipts": [...]} in
the order of the pieces, or {"failed": text}. It ends when the socket is closed, so also when the one who ordered is killed.
Spark does no arithmetic here: it deals the pieces out, repeats those whose worker is lost, and says how far they are.
"""
import json
import math
import queue
import re
import socket
import sys
import threading
import time

import shard_child
from pyspark import SparkContext

# For so long a step may wait for a first worker, or for another one, before the job says so.
PATIENCE_S = 30


class Orders:
    """The orders that come over the connection, read in a thread of its own: its end is seen while a step runs, too."""

    def __init__(self, lines):
        self.waiting = queue.Queue()
        self.closed = threading.Event()
        threading.Thread(target=self.listen, args=(lines,), daemon=True).start()

    def listen(self, lines):
        try:
            for line in lines:
                self.waiting.put(json.loads(line))
        finally:
            self.closed.set()
            self.waiting.put(None)

    def __iter__(self):
        return iter(self.waiting.get, None)


def run_step(context, about, order, say, closed):
    command, folder = about["command"], about["folder"]
    step, pieces, question = order["step"], order["pieces"], order.get("question")
    if not pieces:
        return []
    outcome = {}

    def work():
        try:
            dealt = context.parallelize(pieces, len(pieces))
            outcome["receipts"] = dealt.map(lambda piece: shard_child.shard(command, folder, step, piece, question)).collect()
        except Exception as error:  # Py4JJavaError: its text has the Python error of the task
            outcome["error"] = error

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    tracker = context.statusTracker()
    shown = None
    busy_at = time.monotonic()
    worker.join(0.5)
    while worker.is_alive():
        if closed.is_set():
            context.cancelAllJobs()
            raise BrokenPipeError
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numActiveTasks > 0:
                busy_at = time.monotonic()
            if info and info.numCompletedTasks != shown:
                shown = info.numCompletedTasks
                say({"done": shown})
        if time.monotonic() - busy_at > PATIENCE_S:
            say({"note": f"no worker has taken a piece for {PATIENCE_S} s: does {about['master']} have workers with memory and cores to spare?"})
            busy_at = math.inf
        worker.join(0.5)
    if "error" in outcome:
        raise outcome["error"]
    say({"done": len(pieces)})
    return outcome["receipts"]


def reason_of(text):
    """The words of the piece that failed; else what Java or Python gave as the cause."""
    ours = re.search(r"(?:^|RuntimeError: )<<(.*?)>>", text, re.M | re.S)
    if ours:
        return ours.group(1)
    python = re.findall(r"^[\w.]+(?:Error|Exception): .+", text, re.M)
    java = re.findall(r"^(?:: |Caused by: )(.+)", text, re.M)
    return (python or java or text.strip().splitlines())[-1]


def main():
    about = json.loads(sys.argv[1])
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(about["address"])
    orders, answers = Orders(connection.makefile("r", encoding="utf-8")), connection.makefile("w", encoding="utf-8")

    def say(record):
        answers.write(json.dumps(record) + "\n")
        answers.flush()

    context = None
    try:
        context = SparkContext(appName=about["name"])
        context.addPyFile(shard_child.__file__)
        for order in orders:
            say({"receipts": run_step(context, about, order, say, orders.closed)})
    except BrokenPipeError:  # nobody waits for the answer any more
        sys.exit(1)
    except Exception as error:
        reason = reason_of(str(error))
        if context is None or context._jsc.sc().isStopped():
            reason = f"Spark at {about['master']} does not run, or has ended the work ({reason})"
        say({"failed": reason})
        sys.exit(1)
    finally:
        if context is not None:
            context.stop()


main()
