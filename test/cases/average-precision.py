"""Writes average-precision.json: small random detection problems with the figures of pycocotools 2.0.11.

    pip install pycocotools==2.0.11 && python average-precision.py

Every case is a list of images with true and found boxes of two or three labels; figures are COCO's AP, AP50 and AP70
over all areas with at most 100 detections of a label an image, and the all-point area under the interpolated curve
at IoU 0.5, computed here from pycocotools' own matches.
"""
import contextlib, io, json, os
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

LABELS = ['bag', 'hat', 'shoe']


def problem(seed):
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(int(rng.integers(3, 9))):
        truth, found = [], []
        for _ in range(int(rng.integers(0, 6))):
            x, y, w, h = rng.uniform(0, 60), rng.uniform(0, 60), rng.uniform(8, 40), rng.uniform(8, 40)
            label = str(rng.choice(LABELS))
            truth.append({'label': label, 'box': [round(float(v), 2) for v in (x, y, x + w, y + h)]})
            for _ in range(int(rng.integers(0, 4))):
                j = rng.normal(0, 3.5, 4)
                kind = label if rng.random() < .8 else str(rng.choice(LABELS))
                box = [x + j[0], y + j[1], max(x + w + j[2], x + j[0] + 1), max(y + h + j[3], y + j[1] + 1)]
                found.append({'label': kind, 'score': round(float(rng.uniform(.02, 1)), int(rng.integers(1, 4))), 'box': [round(float(v), 2) for v in box]})
        for _ in range(int(rng.integers(0, 3))):
            x, y, w, h = rng.uniform(0, 60), rng.uniform(0, 60), rng.uniform(8, 40), rng.uniform(8, 40)
            found.append({'label': str(rng.choice(LABELS)), 'score': round(float(rng.uniform(.02, 1)), 3), 'box': [round(float(v), 2) for v in (x, y, x + w, y + h)]})
        images.append({'truth': truth, 'found': [f for f in found if f['score'] > 0]})
    return images


def xywh(b):
    return [b[0], b[1], b[2] - b[0], b[3] - b[1]]


def figures(images):
    present = sorted({t['label'] for i in images for t in i['truth']})
    ids = {label: n + 1 for n, label in enumerate(present)}
    anns = [dict(id=0, image_id=n + 1, category_id=ids[t['label']], bbox=xywh(t['box']), area=xywh(t['box'])[2] * xywh(t['box'])[3], iscrowd=0)
            for n, i in enumerate(images) for t in i['truth']]
    for n, a in enumerate(anns):
        a['id'] = n + 1
    dets = [dict(image_id=n + 1, category_id=ids[f['label']], bbox=xywh(f['box']), score=f['score'])
            for n, i in enumerate(images) for f in i['found'] if f['label'] in ids]
    truth = COCO()
    truth.dataset = dict(images=[dict(id=n + 1, width=100, height=100) for n in range(len(images))], annotations=anns,
                         categories=[dict(id=v, name=k) for k, v in ids.items()])
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        run = COCOeval(truth, truth.loadRes(dets), 'bbox')
        run.evaluate(); run.accumulate(); run.summarize()
    at = lambda iou: float(np.mean(run.eval['precision'][int(round((iou - .5) / .05)), :, :, 0, 2]))
    areas = []
    for k in range(len(present)):
        rows = [run.evalImgs[k * 4 * len(images) + n] for n in range(len(images))]
        rows = [r for r in rows if r is not None]
        score = np.concatenate([r['dtScores'] for r in rows]); hit = np.concatenate([r['dtMatches'][0] for r in rows]) > 0
        order = np.argsort(-score, kind='mergesort'); hit = hit[order].astype(float)
        npos = sum(a['category_id'] == k + 1 for a in anns)
        recall = hit.cumsum() / npos; precision = hit.cumsum() / np.arange(1, len(hit) + 1)
        precision = np.maximum.accumulate(precision[::-1])[::-1] if len(hit) else precision
        areas.append(float(np.sum(np.diff(np.concatenate([[0], recall])) * precision)))
    return dict(ap=float(run.stats[0]), ap50=float(run.stats[1]), ap70=at(.7), allPoints50=float(np.mean(areas)))


if __name__ == '__main__':
    cases = []
    seed = 0
    while len(cases) < 20:
        images = problem(seed)
        if any(i['truth'] for i in images) and any(i['found'] for i in images):
            cases.append(dict(name=f'random problem {seed}', images=images, figures=figures(images)))
        seed += 1
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'average-precision.json'), 'w') as out:
        out.write('[\n' + ',\n'.join(json.dumps(c) for c in cases) + '\n]\n')
    print(len(cases), 'cases')
