/** The net of the page, and the scenes that it reads. Plain numbers. */
import type { SceneConfig } from '../../data/scenes.js';

/** As in the experiment (`experiments/cropr/settings.ts`), on a larger canvas: a digit is 9 of the 100 patches. */
export const SCENE: SceneConfig = { canvas: 50, digit: 15, step: 5, clutter: 14, fragment: 5 };
export const PATCH = 5;
/** Patches side by side. */
export const GRID: number = SCENE.canvas / PATCH;
/** One behind each block but the last two. */
export const ROUTERS = 4;

export const VIT = {
  imageSize: SCENE.canvas,
  channels: 1,
  patchSize: PATCH,
  dim: 64,
  depth: ROUTERS + 2,
  heads: 8,
  mlpRatio: 2,
  classes: 10,
  kernelStd: 0.06,
  positionStd: 0.3,
};
