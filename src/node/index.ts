export { fileSystem } from './file_system.js';
export { ProgressBar, type ProgressBarConfig } from './progress_bar.js';
