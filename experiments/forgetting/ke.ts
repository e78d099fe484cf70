/** Knowledge Evolution: by weight and by kernel, and the slim network that the latter leaves. */
import { compareGenerations } from './generations.js';
import { EVOLUTIONS } from './settings.js';

await compareGenerations('Knowledge Evolution', EVOLUTIONS);
