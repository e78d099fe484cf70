import { addHeader } from './shell/shell.js';

addHeader();
