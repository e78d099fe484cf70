/** The work of the page on Cropr: looks at scenes at any pruning rate, and lets the net's routers learn anew. */
import * as tf from '@tensorflow/tfjs';
import { keptTokens, randomStream, stripAuxHeads } from 'tfjs-llf';
import 'tfjs-llf/register';
import netFile from '../../../models/digit-scenes/model.json?url';
import weightsFile from '../../../models/digit-scenes/weights.bin?url';
import { fetchDigits } from '../data/digits.js';
import type { Work } from '../shell/messages.js';
import type { CroprJobs, Look, LookOrder } from './jobs.js';
import { SceneSource } from './scene_source.js';
import { newNet, setShare, tensorOf, trainNet } from './training.js';

/** Images of a forward pass that is timed, and passes of which the median counts. */
const TIMED = 16;
const ROUNDS = 3;
/** Scenes by which the net is judged at a rate. */
const JUDGED = 100;
/** The blocks have learned before: small steps. */
const RECIPE = { batchSize: 16, peak: 1e-3 };
/** On WebGL each number of patches has programs of its own, which must be compiled: there are few. */
const WEBGL = { shares: [0.5, 0.8] };
/** Milliseconds between two looks while the net trains at least, and the share of the time that they may take. */
const LOOK_EVERY = 300;
const SHARE = 0.2;

const absolute = (url: string): string => new URL(url, import.meta.url).href;
let net: tf.LayersModel | undefined;
const digits = new Map<string, ReturnType<typeof fetchDigits>>();
let heldBack: SceneSource | undefined;

/** Tensors that are kept on purpose. */
export const held = (): number => net?.weights.length ?? 0;

async function currentNet(): Promise<tf.LayersModel> {
  net ??= await tf.loadLayersModel(
    tf.io.http(absolute(netFile), { weightUrlConverter: async () => absolute(weightsFile) }),
  );
  return net;
}

function digitsAt(url: string): ReturnType<typeof fetchDigits> {
  const found = digits.get(url) ?? fetchDigits(url);
  digits.set(url, found);
  return found;
}

/** Scenes of digits that no net has learned from. */
async function heldBackAt(url: string): Promise<SceneSource> {
  heldBack ??= new SceneSource((await digitsAt(url)).test);
  return heldBack;
}

const pick: Work<CroprJobs>['pick'] = async ({ digits, count }) => {
  const source = await heldBackAt(digits);
  const stream = randomStream(1, 'scenes to pick');
  const scenes = Array.from({ length: count }, () => {
    const { scenes, labels } = source.draw(1, stream);
    return { scene: scenes, label: labels[0] as number };
  });
  return { scenes, clutter: scenes.map(() => source.clutter(stream)) };
};

/** What a net, trained or in training, makes of a scene. */
async function lookWith(model: tf.LayersModel, { scene, rate }: LookOrder): Promise<Look> {
  setShare(model, rate);
  const image = tensorOf(scene);
  const shares = tf.tidy(() => tf.softmax([model.predict(image)].flat()[0] as tf.Tensor));
  const probabilities = [...(await shares.data())];
  const kept = (await keptTokens(model, image)).map((router) => router.kept[0] as number[]);
  tf.dispose([image, shares]);
  return { kept, probabilities };
}

/** Images per second. */
async function speedOf(model: tf.LayersModel, images: tf.Tensor, rate: number): Promise<number> {
  setShare(model, rate);
  const begin = performance.now();
  const logits = model.predict(images, { batchSize: TIMED }) as tf.Tensor;
  await logits.data();
  logits.dispose();
  return (1000 * images.shape[0]) / (performance.now() - begin);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

const look: Work<CroprJobs>['look'] = async (order) => lookWith(await currentNet(), order);

const time: Work<CroprJobs>['time'] = async ({ scene, rate }) => {
  const model = await currentNet();
  const batch = tf.tidy(() => tf.tile(tensorOf(scene), [TIMED, 1, 1, 1]));
  const speeds: { pruned: number; unpruned: number }[] = [];
  for (let round = 0; round < ROUNDS; round++)
    speeds.push({ unpruned: await speedOf(model, batch, 0), pruned: await speedOf(model, batch, rate) });
  batch.dispose();
  return {
    speed: median(speeds.map(({ pruned }) => pruned)),
    unpruned: median(speeds.map(({ unpruned }) => unpruned)),
  };
};

const judge: Work<CroprJobs>['judge'] = async ({ digits, rate }) => {
  const [model, source] = [await currentNet(), await heldBackAt(digits)];
  const { scenes, labels } = source.draw(JUDGED, randomStream(0, 'scenes to judge by'));
  setShare(model, rate);
  const [images, begin] = [tensorOf(scenes), performance.now()];
  const best = tf.tidy(() => tf.argMax(model.predict(images, { batchSize: TIMED }) as tf.Tensor, 1));
  const found = await best.data();
  const speed = (1000 * JUDGED) / (performance.now() - begin);
  tf.dispose([images, best]);
  return { accuracy: labels.filter((label, n) => label === found[n]).length / JUDGED, speed };
};

const train: Work<CroprJobs>['train'] = async ({ digits, steps, seed, look: first }, run) => {
  const { train: known } = await digitsAt(digits);
  const model = newNet(seed, await currentNet());
  const plan = { ...RECIPE, steps, seed, ...(tf.getBackend() === 'webgl' && WEBGL) };
  let [done, due] = [0, 0];
  try {
    await trainNet(model, known, plan, async (step, losses) => {
      done = step;
      await run.breathe();
      const begin = performance.now();
      const isDue = begin >= due;
      const look = isDue ? await lookWith(model, (run.wish as LookOrder | undefined) ?? first) : undefined;
      if (isDue) due = performance.now() + Math.max(LOOK_EVERY, (performance.now() - begin) / SHARE);
      run.report({ step, ...losses, look });
      return !run.isStopped;
    });
    net?.dispose();
    net = stripAuxHeads(model);
  } finally {
    model.dispose();
  }
  return { steps: done };
};

const goBack: Work<CroprJobs>['goBack'] = async () => {
  net?.dispose();
  net = undefined;
  return undefined;
};

export const work: Work<CroprJobs> = { pick, look, time, judge, train, goBack };
