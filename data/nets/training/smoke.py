"""The whole way of both nets on generated photos, small: draw a world, fine-tune the visual net on its labels, train a detector for a
few steps, export both, import both, measure both. Minutes on two cores; the figures mean nothing, that it runs does.
  python smoke.py FOLDER            (from a checkout after `npm ci`; this Python with requirements.txt)"""
import json, os, subprocess, sys
HERE = os.path.dirname(os.path.abspath(__file__)); ROOT = os.path.join(HERE, '../../..')
def run(*command): print('$', ' '.join(command), flush=True); subprocess.run(command, check=True, cwd=HERE)
def job(*arguments, cli='dist/src/cli.js'):
    """A job's receipt."""
    print('$ node', cli, ' '.join(arguments), flush=True)
    done = subprocess.run(['node', os.path.join(ROOT, cli), *arguments, '--json'], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])
if __name__ == '__main__':
    out = os.path.abspath(sys.argv[1]); at = lambda *p: os.path.join(out, *p); os.makedirs(out, exist_ok=True)
    job('demo', '--draw-only', '--data', at('drawn'), '--seed', '7', '--pins', '400', cli='dist/lab/cli.js')
    world = at('drawn', 'world')
    job('import-catalog', '--data', at('var'), '--pins', os.path.join(world, 'pins.jsonl'), '--images', world)
    job('make-evaluation-set', '--data', at('var'), '--out', at('labelled'), '--terms', '8', '--per-term', '5')
    run(sys.executable, 'finetune.py', '--data', at('labelled'), '--epochs', '2', '--out', at('finetuned'))
    job('import-net', at('finetuned.onnx'), '--name', 'finetuned', '--preprocess', 'zero-to-one', '--resize', 'stretch-bicubic', '--labels', at('finetuned.labels.txt'), '--out', at('nets', 'finetuned'))
    for row in job('evaluate-features', '--images', at('labelled'), '--net', os.path.join(HERE, '../visual-1'), '--net', at('nets', 'finetuned'))['rows']:
        if row['type'] == 'raw' and row['distance'] == 'cosine': print(row['net'], row['layer'], 'P@10 %.3f' % row['p10'], flush=True)
    run(sys.executable, 'detector.py', '--data', world, '--backbone', '../visual-1/net.onnx', '--epochs', '0.1', '--min-count', '5', '--out', at('detector'))
    run(sys.executable, 'export.py', 'detector', at('detector.pt'), at('detector.labels.json'), at('detector.onnx'))
    with open(at('detector.labels.txt'), 'w') as file: file.write('\n'.join(json.load(open(at('detector.labels.json')))) + '\n')
    job('import-net', at('detector.onnx'), '--name', 'detector', '--form', 'ssd', '--preprocess', 'zero-to-one', '--labels', at('detector.labels.txt'), '--out', at('nets', 'detector'))
    measured = job('evaluate-detector', '--net', at('nets', 'detector'), '--truth', os.path.join(world, 'objects.jsonl'), '--limit', '40', '--no-sweeps')
    print('detector after a few steps: mAP@0.5 %.3f on %d photos' % (measured['map50'], measured['images']), flush=True)
