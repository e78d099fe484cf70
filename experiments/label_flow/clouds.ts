/** Families of shapes as clouds of points: furniture out of boxes and cones, and the Stanford bunny, stretched. */
import { createRequire } from 'node:module';
import { type RandomStream, randomStream } from 'tfjs-llf';

/** A point in space. */
export type Point = readonly [x: number, y: number, z: number];

/** Points of one shape. */
export type Cloud = readonly Point[];

/** A part of a shape: how many points it gets, relative to others, and how one is drawn. */
interface Part {
  size: number;
  draw(stream: RandomStream): Point;
}

const between = (stream: RandomStream, low: number, high: number): number => low + stream.uniform() * (high - low);

/** A box by its middle and its three lengths. */
function box([x, y, z]: Point, [a, b, c]: Point): Part {
  return {
    size: Math.max(a * b, b * c, a * c),
    draw: (stream) => [
      x + a * (stream.uniform() - 0.5),
      y + b * (stream.uniform() - 0.5),
      z + c * (stream.uniform() - 0.5),
    ],
  };
}

/** The mantle of a cone without its tip, about the vertical axis. */
function cone(bottom: number, top: number, low: number, high: number): Part {
  return {
    size: Math.PI * (bottom + top) * (high - low),
    draw(stream) {
      const [share, angle] = [stream.uniform(), 2 * Math.PI * stream.uniform()];
      const radius = bottom + share * (top - bottom);
      return [radius * Math.cos(angle), low + share * (high - low), radius * Math.sin(angle)];
    },
  };
}

function legs(width: number, depth: number, height: number): Part[] {
  const thick = 0.06;
  return [-1, 1].flatMap((a) =>
    [-1, 1].map((b) => {
      const middle: Point = [(a * (width - thick)) / 2, height / 2, (b * (depth - thick)) / 2];
      return box(middle, [thick, height, thick]);
    }),
  );
}

/** All points of the bunny, of the npm package `bunny` (public domain). */
const { positions: BUNNY } = createRequire(import.meta.url)('bunny') as { positions: Point[] };

const FURNITURE = {
  table(stream: RandomStream): Part[] {
    const [width, depth, height] = [between(stream, 0.5, 1), between(stream, 0.5, 1), between(stream, 0.3, 0.8)];
    return [box([0, height, 0], [width, 0.05, depth]), ...legs(width, depth, height)];
  },
  chair(stream: RandomStream): Part[] {
    const [width, height, back] = [between(stream, 0.4, 0.7), between(stream, 0.3, 0.5), between(stream, 0.3, 0.7)];
    const behind: Point = [0, height + back / 2, -width / 2];
    return [box([0, height, 0], [width, 0.05, width]), box(behind, [width, back, 0.05]), ...legs(width, width, height)];
  },
  lamp(stream: RandomStream): Part[] {
    const [foot, shade, height] = [between(stream, 0.15, 0.3), between(stream, 0.2, 0.4), between(stream, 0.5, 1)];
    const low = height - between(stream, 0.2, 0.4);
    return [
      cone(foot, 0.02, 0, 0.05),
      box([0, height / 2, 0], [0.04, height, 0.04]),
      cone(shade, shade / 2, low, height),
    ];
  },
};

export const FAMILIES = ['table', 'chair', 'lamp', 'bunny'] as const;

export type Family = (typeof FAMILIES)[number];

/** In the middle of the origin, with the longest side 1. */
function centred(cloud: Cloud): Cloud {
  const sides = [0, 1, 2].map((axis) => {
    const values = cloud.map((point) => point[axis] as number);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const longest = Math.max(...sides.map(([low, high]) => high - low));
  const at = (point: Point, axis: 0 | 1 | 2): number => {
    const [low, high] = sides[axis] as readonly [number, number];
    return ((point[axis] as number) - (low + high) / 2) / longest;
  };
  return cloud.map((point): Point => [at(point, 0), at(point, 1), at(point, 2)]);
}

function drawn(parts: readonly Part[], count: number, stream: RandomStream): Cloud {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  return Array.from({ length: count }, () => {
    let place = stream.uniform() * total;
    for (const part of parts) {
      if (place < part.size) return part.draw(stream);
      place -= part.size;
    }
    return (parts[0] as Part).draw(stream);
  });
}

/** One shape of a family; the index decides which. */
export function shapeOf(family: Family, count: number, index: number): Cloud {
  const stream = randomStream(index, `shape of ${family}`);
  if (family !== 'bunny') return centred(drawn(FURNITURE[family](stream), count, stream));
  const stretch = [0, 1, 2].map(() => between(stream, 0.7, 1.3)) as [number, number, number];
  const chosen = [...stream.permutation(BUNNY.length)].slice(0, count).map((n) => BUNNY[n] as Point);
  return centred(chosen.map(([x, y, z]): Point => [x * stretch[0], y * stretch[1], z * stretch[2]]));
}

/** The share of the points that is left when a plane in a random direction cuts the others off. */
export function cut(cloud: Cloud, share: number, index: number): Cloud {
  const stream = randomStream(index, 'cut');
  const direction = [stream.normal(), stream.normal(), stream.normal()];
  const along = (point: Point): number =>
    point.reduce((sum, value, axis) => sum + value * (direction[axis] as number), 0);
  return [...cloud].sort((a, b) => along(a) - along(b)).slice(0, Math.round(share * cloud.length));
}
