"""Runs steps of a job on Apache Spark as they are ordered: every task is one piece, `related-pins shard STEP --folder FOLDER --part N`.

Argument: JSON {"name", "command": [program and its first arguments], "folder", "address": a Unix socket of who gives the orders}.
Over that socket, a line of JSON each: in {"step", "pieces": [N, ...], "question"}; out {"done"} while it runs, then {"receipts": [...]} in
the order of the pieces, or {"failed": text}. It ends when the socket is closed, so also when the one who ordered is killed.
Spark does no arithmetic here: it deals the pieces out, repeats those whose worker is lost, and says how far they are.
"""
import json
import queue
import re
import socket
import sys
import threading

import shard_child
from pyspark import SparkContext


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
    worker.join(0.5)
    while worker.is_alive():
        if closed.is_set():
            context.cancelAllJobs()
            raise BrokenPipeError
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numCompletedTasks != shown:
                shown = info.numCompletedTasks
                say({"done": shown})
        worker.join(0.5)
    if "error" in outcome:
        raise outcome["error"]
    say({"done": len(pieces)})
    return outcome["receipts"]


def main():
    about = json.loads(sys.argv[1])
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.connect(about["address"])
    orders, answers = Orders(connection.makefile("r", encoding="utf-8")), connection.makefile("w", encoding="utf-8")

    def say(record):
        answers.write(json.dumps(record) + "\n")
        answers.flush()

    context = SparkContext(appName=about["name"])
    context.addPyFile(shard_child.__file__)
    try:
        for order in orders:
            say({"receipts": run_step(context, about, order, say, orders.closed)})
    except BrokenPipeError:  # nobody waits for the answer any more
        sys.exit(1)
    except Exception as error:
        found = re.search(r"RuntimeError: <<(.*?)>>", str(error), re.S)
        say({"failed": found.group(1) if found else str(error).strip().splitlines()[0]})
        sys.exit(1)
    finally:
        context.stop()


main()
