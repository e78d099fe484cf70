/** Later-layer forgetting: from which layer on, and its ablations. */
import { compareGenerations } from './generations.js';
import { LATER_LAYERS } from './settings.js';

await compareGenerations('Later-layer forgetting', LATER_LAYERS);
