/** The pages: `npm run pages` serves them while one works on them, `npm run site` builds them beside the documentation. */
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { entries } from '../../scripts/entries.js';
import { digits } from './data/digits_plugin.js';
import { PAGES } from './pages.js';

/** What a page may load: its own files, and WASM. A static host need not send a header. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const contentPolicy: Plugin = {
  name: 'content-policy',
  // While one works on a page, Vite writes styles into it and listens at a socket.
  apply: 'build',
  transformIndexHtml: () => [
    {
      tag: 'meta',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
      injectTo: 'head-prepend',
    },
  ],
};

const withoutScript: Plugin = {
  name: 'without-script',
  transformIndexHtml: () => [
    { tag: 'noscript', children: 'These pages compute in your browser: allow JavaScript.', injectTo: 'body-prepend' },
  ],
};

const folder = fileURLToPath(new URL('.', import.meta.url));
const html = (name: string): string => `${folder}${name === '' ? '' : `${name}/`}index.html`;

export default defineConfig({
  root: folder,
  // Below any folder of any host.
  base: './',
  resolve: {
    alias: entries.map(({ specifier, source }) => ({ find: new RegExp(`^${specifier}$`), replacement: source })),
  },
  plugins: [contentPolicy, withoutScript, digits],
  worker: { format: 'es' },
  // What only workers import would be found late, and reload the page.
  optimizeDeps: {
    include: ['', '-core', '-layers', '-backend-wasm']
      .map((part) => `@tensorflow/tfjs${part}`)
      .concat('daikon', 'fast-png', 'uplot'),
  },
  build: {
    target: 'es2022',
    outDir: fileURLToPath(new URL('../../site/pages', import.meta.url)),
    emptyOutDir: true,
    // The default one breaks the threaded build of the WASM backend, which a cross-origin-isolated host starts.
    minify: 'esbuild',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 3000,
    rollupOptions: { input: ['', ...PAGES.map(({ name }) => name)].map(html) },
  },
});
