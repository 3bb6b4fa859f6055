"""scikit-learn's LinearSVC on explicit pair differences, at falling tolerances until it reaches the given objective: once for each line of standard input."""
import json
import sys
import time

import numpy as np
from sklearn.svm import LinearSVC

folder, columns, length, c, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5])
rows = np.fromfile(f"{folder}/rows.f32", dtype=np.float32).reshape(-1, columns).astype(np.float64)
grades = np.fromfile(f"{folder}/grades.u8", dtype=np.uint8)
blocks = []
for start in range(0, len(rows), length):
    block, grade = rows[start : start + length], grades[start : start + length]
    better, worse = np.nonzero(grade[:, None] > grade[None, :])
    if len(better):
        blocks.append(block[better] - block[worse])
d = np.vstack(blocks)
sign = np.where(np.arange(len(d)) % 2 == 0, 1, -1)
d *= sign[:, None]


def trained(tol):
    started, started_cpu = time.perf_counter(), time.process_time()
    model = LinearSVC(loss="squared_hinge", dual=False, fit_intercept=False, C=c, tol=tol, max_iter=10000).fit(d, sign)
    seconds, cpu = time.perf_counter() - started, time.process_time() - started_cpu
    w = model.coef_[0]
    value = float(w @ w / 2 + c * (np.maximum(0, 1 - sign * (d @ w)) ** 2).sum())
    return {"seconds": seconds, "cpuSeconds": cpu, "objective": value}


tolerances = iter((1e-2, 1e-3, 1e-4, 1e-5))
tolerance = next(tolerances)
for line in sys.stdin:
    while (result := trained(tolerance))["objective"] > target * (1 + 1e-4) and (lower := next(tolerances, None)):
        tolerance = lower
    print(json.dumps(result), flush=True)
