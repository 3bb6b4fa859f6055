"""The program that does the pieces of a Python worker of Spark: one child, `related-pins shard each`, for as long as the worker lives.

Starting Node and loading a net take longer than many a piece. The child ends by itself when its standard input is closed, which is
what happens when the worker ends or is killed.
"""
import json
import os
import subprocess
import tempfile

children = {}


class Child:
    def __init__(self, command, folder):
        self.errors = tempfile.TemporaryFile()
        environment = {**os.environ, "RELATED_PINS_LAUNCHER": str(os.getpid())}
        try:
            self.process = subprocess.Popen(
                command + ["shard", "each", "--folder", folder, "--json"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
                text=True,
            )
        except OSError as error:
            way_out = "RELATED_PINS_SPARK_PROGRAM says how workers call the program."
            raise RuntimeError(f"<<{command[0]} cannot be started on {os.uname().nodename}: {error}. {way_out}>>")

    def ask(self, step, part, question):
        """The line of JSON that answers; None when the program has ended."""
        try:
            self.process.stdin.write(f"{step} {part} {question or ''}".rstrip() + "\n")
            self.process.stdin.flush()
        except OSError:
            return None
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        return None

    def last_words(self):
        code = self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip()[-2000:] or "nothing"
        return f"ended with {code} on {os.uname().nodename} and said: {said}"


def shard(command, folder, step, part, question=None):
    """One piece, on the machine of the task."""
    key = (tuple(command), folder)
    if key not in children:
        children[key] = Child(command, folder)
    answer = children[key].ask(step, part, question)
    if answer is None or answer.get("part") != part:
        raise RuntimeError(f"<<shard {step} --part {part} {children.pop(key).last_words()}>>")
    if "error" in answer:
        error = answer["error"]
        raise RuntimeError(f"<<shard {step} --part {part} failed on {os.uname().nodename}: {error['code']}: {error['message']}>>")
    return answer
