export { type ImportReport, importWeights } from './import_weights.js';
export { type FileTensor, readSafetensors } from './safetensors.js';
export { timmNames, type WeightNames, type WeightSource } from './weight_names.js';
