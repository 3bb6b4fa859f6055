"""Fine-tune the whole visual net on a catalogue's own labels, the paper's way: the last layer replaced, the rest kept and trained on.
Given a folder of class folders (`related-pins make-evaluation-set` writes one); out come weights, labels and the ONNX file that
`related-pins import-net` takes. A fifth of the photos of each class (by a hash of the name) judges and is never learned from."""
import argparse, os, zlib, numpy as np, onnx, torch, torch.nn as nn, torch.nn.functional as F
from onnx import numpy_helper
from PIL import Image
from visual_net import VisualNet, augment
from export import visual as export_visual
PHOTOS = ('.jpg', '.jpeg', '.png', '.webp')
def read(folder):
    """uint8 photos n x 3 x 64 x 64, the whole image as the service resizes it; labels; which are held out; label names."""
    names = sorted(n for n in os.listdir(folder) if os.path.isdir(os.path.join(folder, n))); x, y, held = [], [], []
    for k, name in enumerate(names):
        for photo in sorted(p for p in os.listdir(os.path.join(folder, name)) if p.lower().endswith(PHOTOS)):
            image = Image.open(os.path.join(folder, name, photo)).convert('RGB').resize((64, 64), Image.BICUBIC)
            x.append(np.asarray(image).transpose(2, 0, 1)); y.append(k); held.append(zlib.crc32(photo.encode()) % 5 == 0)
    return np.stack(x), np.array(y), np.array(held), names
def weights_of(path):
    """State of a VisualNet, from its .pt or from the bundled .onnx: there batch norm is folded into weight and bias, so the norm that is put
    back does nothing but add that bias."""
    if not path.endswith('.onnx'): return torch.load(path)
    stored = {t.name.removesuffix('_h'): torch.from_numpy(numpy_helper.to_array(t).astype(np.float32).copy()) for t in onnx.load(path).graph.initializer}
    net = VisualNet(classes=len(stored['fc8.bias'])); state = net.state_dict()
    for name in state:
        if name in stored: state[name] = stored[name]
    for name, module in net.named_modules():
        if not isinstance(module, nn.BatchNorm2d): continue
        conv = name[:-1] + '0'                                     # conv1.0.1 normalises conv1.0.0
        state[name + '.weight'] = torch.ones_like(state[name + '.weight']); state[name + '.bias'] = stored[conv + '.weight_bias']
        state[name + '.running_mean'] = torch.zeros_like(state[name + '.running_mean']); state[name + '.running_var'] = torch.ones_like(state[name + '.running_var']) - module.eps
    return state
def with_labels(state, count):
    """The net with a fresh last layer for `count` labels, everything else as it was."""
    net = VisualNet(classes=count); kept = {k: v for k, v in state.items() if not k.startswith('fc8.')}
    missing, unknown = net.load_state_dict(kept, strict=False); assert not unknown and set(missing) == {'fc8.weight', 'fc8.bias'}, (missing, unknown)
    nn.init.normal_(net.fc8.weight, std=.01); nn.init.zeros_(net.fc8.bias); return net
def learning(net):
    """Dropout on; batch norms keep the statistics they came with: a few hundred photos would spoil them."""
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d): module.eval()
def accuracy(net, x, y):
    net.eval()
    with torch.no_grad(): return np.mean([int(net(torch.from_numpy(x[i:i + 1]).float() / 255)[1].argmax()) == y[i] for i in range(len(x))]) if len(x) else float('nan')
def precision_at(net, x, y, k=10):
    """P@k of fc6 by cosine: each photo asks all others."""
    net.eval()
    with torch.no_grad(): f = F.normalize(torch.cat([net.features(torch.from_numpy(x[i:i + 64]).float() / 255) for i in range(0, len(x), 64)]), dim=1)
    near = (f @ f.T - 2 * torch.eye(len(f))).topk(min(k, len(f) - 1), 1)[1].numpy(); return (y[near] == y[:, None]).mean()
if __name__ == '__main__':
    a = argparse.ArgumentParser(); a.add_argument('--data', required=True, help='a folder of class folders'); a.add_argument('--start', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../visual-1/net.onnx'), help='the net to start from, .onnx or .pt')
    a.add_argument('--epochs', type=float, default=20); a.add_argument('--rate', type=float, default=.01, help='of the kept layers; the new one learns ten times as fast'); a.add_argument('--batch', type=int, default=32); a.add_argument('--out', default='finetuned'); v = a.parse_args()
    torch.manual_seed(0); rng = np.random.default_rng(0); x, y, held, names = read(v.data); assert len(names) > 1, 'two labels or more'
    net = with_labels(weights_of(v.start), len(names)); seen = np.where(~held)[0]; steps = max(1, int(v.epochs * len(seen) / v.batch))
    print(f'{len(seen)} photos to learn from, {held.sum()} to judge by, {len(names)} labels; held-out P@10 before: {precision_at(net, x[held], y[held]):.3f}', flush=True)
    new = [p for n, p in net.named_parameters() if n.startswith('fc8.')]; kept = [p for n, p in net.named_parameters() if not n.startswith('fc8.')]
    opt = torch.optim.SGD([{'params': kept, 'lr': v.rate}, {'params': new, 'lr': 10 * v.rate}], v.rate, momentum=.9, weight_decay=5e-4, nesterov=True)
    sch = torch.optim.lr_scheduler.OneCycleLR(opt, [v.rate, 10 * v.rate], total_steps=steps + 1, pct_start=.2); best = -1; every = max(1, steps // 10)
    for it in range(steps):
        learning(net); b = rng.choice(seen, min(v.batch, len(seen)), replace=False); l = F.cross_entropy(net(augment(torch.from_numpy(x[b])))[1], torch.from_numpy(y[b]), label_smoothing=.1)
        opt.zero_grad(set_to_none=True); l.backward(); nn.utils.clip_grad_norm_(net.parameters(), 5.); opt.step(); sch.step()
        if (it + 1) % every and it < steps - 1: continue
        right, p10 = accuracy(net, x[held], y[held]), precision_at(net, x[held], y[held]); print(f'{it + 1}/{steps} loss {l.item():.3f} held-out top-1 {right:.3f} P@10 {p10:.3f}', flush=True)
        if p10 > best: best = p10; torch.save(net.state_dict(), v.out + '.pt')
    open(v.out + '.labels.txt', 'w').write('\n'.join(names) + '\n'); export_visual(v.out + '.pt', v.out + '.onnx')
    print(f'kept P@10 {best:.3f}; import it: related-pins import-net {v.out}.onnx --name NAME --preprocess zero-to-one --resize stretch-bicubic --labels {v.out}.labels.txt --out nets/NAME', flush=True)
