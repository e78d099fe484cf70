/** A folder behind an address, as a static host serves it. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface Served {
  origin: string;
  close: () => void;
}

/** Serves the files of a folder below `below`, a path such as `/some/project`. All else is not found. */
export async function serve(folder: string, below = ''): Promise<Served> {
  const server = createServer(async ({ url = '' }, response) => {
    const path = normalize(decodeURIComponent(url.split('?')[0] ?? ''));
    try {
      if (!path.startsWith(`${below}/`)) throw new Error(`${path} is outside.`);
      const body = await readFile(join(folder, path.slice(below.length), path.endsWith('/') ? 'index.html' : ''));
      response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}${below}`, close: () => server.close() };
}
