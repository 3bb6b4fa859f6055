"""Reference objectives of the Rank-SVM: scikit-learn's LinearSVC on explicit pair differences, run to convergence.

    python3 rank-svm-parity.py FOLDER_OF_LIGHTGBM_LAMBDARANK > rank-svm-parity.json

Needs numpy and scikit-learn. LinearSVC refuses a single class, so the sign of every second difference is turned and that
row labelled -1: the objective is the same. The generated set comes from a small linear congruential generator that the
test repeats, so no data is stored.
"""
import json
import sys

import numpy as np
import sklearn
from sklearn.svm import LinearSVC


def lcg(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) % 2**32
        yield state / 2**32


def generated():
    draw = lcg(7)
    lists, length, columns = 60, 12, 8
    rows = np.array([next(draw) * 2 - 1 for _ in range(lists * length * columns)]).reshape(-1, columns)
    utility = rows @ np.arange(1, columns + 1) / 4 + np.array([next(draw) * 2 - 1 for _ in range(lists * length)])
    grades = np.clip(np.floor(utility + 2), 0, 4).astype(int)
    return rows, grades, [length] * lists


def lambdarank(folder):
    lengths = [int(line) for line in open(f"{folder}/rank.train.query")]
    rows, grades = [], []
    for line in open(f"{folder}/rank.train"):
        parts = line.split()
        grades.append(int(float(parts[0])))
        rows.append({int(k): float(v) for k, v in (part.split(":") for part in parts[1:])})
    width = max(max(row) for row in rows if row) + 1
    dense = np.zeros((len(rows), width))
    for at, row in enumerate(rows):
        for column, value in row.items():
            dense[at, column] = value
    return dense, np.array(grades), lengths


def objective(rows, grades, lengths, c):
    differences, start = [], 0
    for length in lengths:
        block, grade = rows[start : start + length], grades[start : start + length]
        for i in range(length):
            lower = block[grade < grade[i]]
            if len(lower):
                differences.append(block[i] - lower)
        start += length
    d = np.vstack(differences)
    sign = np.where(np.arange(len(d)) % 2 == 0, 1, -1)
    model = LinearSVC(loss="squared_hinge", dual=False, fit_intercept=False, C=c, tol=1e-10, max_iter=100000)
    model.fit(d * sign[:, None], sign)
    w = model.coef_[0]
    return len(d), float(w @ w / 2 + c * (np.maximum(0, 1 - d @ w) ** 2).sum())


cases = []
for name, (rows, grades, lengths) in {"generated": generated(), "lightgbm-lambdarank": lambdarank(sys.argv[1])}.items():
    for c in (0.0001, 0.01, 1):
        pairs, value = objective(rows, grades, lengths, c)
        cases.append({"name": name, "c": c, "pairs": pairs, "objective": value})
print(json.dumps({"scikitLearn": sklearn.__version__, "cases": cases}, indent=1))
