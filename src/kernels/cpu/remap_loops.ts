/** A remap function over whole images, for one sample of the local mean at a time. */
export interface RemapLoop {
  /** Writes m(pixel − sample). */
  value(image: Float32Array, sample: number, target: Float32Array): void;
  /** For the gradient of that: adds the gradient of the image, and those of the parameters, each to a list of sums. */
  gradient(
    image: Float32Array,
    sample: number,
    dRemapped: Float32Array,
    dImage: Float32Array,
    dParameters: readonly Float64Array[],
  ): void;
}

/** A slope, and the changes by sigma, alpha and beta, all at one detail. */
interface Rates {
  slope: number;
  bySigma: number;
  byAlpha: number;
  byBeta: number;
}

/** A remap function of sigma, alpha and beta at one detail. */
interface ThreeParameters {
  value(detail: number): number;
  /** Writes into the same object each time: this runs for every pixel. */
  rates(detail: number, rates: Rates): void;
}

function gauss(sigma: number, alpha: number, beta: number): ThreeParameters {
  const exponent = -0.5 / (sigma * sigma);
  return {
    value: (d) => d * (alpha * Math.exp(Math.max(d * d * exponent, -40)) + beta),
    rates: (d, rates) => {
      const bell = Math.exp(Math.max(d * d * exponent, -40));
      const ratio = -2 * d * d * exponent;
      rates.slope = alpha * bell * (1 - ratio) + beta;
      rates.byBeta = d;
      rates.byAlpha = d * bell;
      rates.bySigma = (d * bell * ratio * alpha) / sigma;
    },
  };
}

const NOISE = 0.01;

function paris(sigma: number, alpha: number, beta: number, blends: boolean): ThreeParameters {
  const isBlended = blends && alpha < 1;
  const ramp = (size: number): number => Math.min(Math.max((size - NOISE) / NOISE, 0), 1);
  return {
    value: (d) => {
      const size = Math.abs(d);
      if (!(size < sigma)) return Math.sign(d) * (sigma + beta * (size - sigma));
      const share = Math.max(size, 1e-30) / sigma;
      const power = Math.exp(alpha * Math.log(share));
      if (!isBlended) return Math.sign(d) * sigma * power;
      const t = ramp(size);
      return Math.sign(d) * sigma * (share + (t * (2 - t)) ** 2 * (power - share));
    },
    rates: (d, rates) => {
      const [size, sign] = [Math.abs(d), Math.sign(d)];
      rates.slope = beta;
      rates.bySigma = sign * (1 - beta);
      rates.byAlpha = 0;
      rates.byBeta = sign * (size - sigma);
      if (!(size < sigma)) return;
      // The slope of a power below 1 has no bound at 0.
      const share = Math.max(size, 1e-6) / sigma;
      const logarithm = Math.log(share);
      const power = Math.exp(alpha * logarithm);
      const t = isBlended ? ramp(size) : 1;
      const weight = (t * (2 - t)) ** 2;
      const rate = 1 + weight * ((alpha * power) / share - 1);
      const steep = isBlended ? (4 / NOISE) * t * (2 - t) * (1 - t) : 0;
      rates.slope = rate + steep * (power - share) * sigma;
      rates.bySigma = sign * (share + weight * (power - share) - share * rate);
      rates.byAlpha = sign * power * logarithm * sigma * weight;
      rates.byBeta = 0;
    },
  };
}

function loopOf({ value, rates }: ThreeParameters): RemapLoop {
  return {
    value: (image, sample, target) => {
      for (let i = 0; i < image.length; i++) target[i] = value(Math.fround((image[i] as number) - sample));
    },
    gradient: (image, sample, dRemapped, dImage, dParameters) => {
      const at: Rates = { slope: 0, bySigma: 0, byAlpha: 0, byBeta: 0 };
      let [bySigma, byAlpha, byBeta] = [0, 0, 0];
      for (let i = 0; i < image.length; i++) {
        const dy = dRemapped[i] as number;
        // Most details are far from most samples.
        if (dy === 0) continue;
        rates(Math.fround((image[i] as number) - sample), at);
        dImage[i] = (dImage[i] as number) + dy * at.slope;
        bySigma += dy * at.bySigma;
        byAlpha += dy * at.byAlpha;
        byBeta += dy * at.byBeta;
      }
      for (const [i, sum] of [bySigma, byAlpha, byBeta].entries()) addTo(dParameters[i] as Float64Array, 0, sum);
    },
  };
}

function addTo(sums: Float64Array, place: number, value: number): void {
  sums[place] = (sums[place] as number) + value;
}

/** A table over the details in `[-span, span]`, straight between its nodes and beyond its ends. */
function table(nodes: Float32Array, span: number): RemapLoop {
  const scale = (nodes.length - 1) / (2 * span);
  const placeOf = (pixel: number, sample: number): number => (Math.fround(pixel - sample) + span) * scale;
  // NaN falls into the first.
  const cellOf = (place: number): number => (place > 0 ? Math.min(Math.floor(place), nodes.length - 2) : 0);
  return {
    value: (image, sample, target) => {
      for (let i = 0; i < image.length; i++) {
        const place = placeOf(image[i] as number, sample);
        const cell = cellOf(place);
        const left = nodes[cell] as number;
        target[i] = left + ((nodes[cell + 1] as number) - left) * (place - cell);
      }
    },
    gradient: (image, sample, dRemapped, dImage, [bins]) => {
      for (let i = 0; i < image.length; i++) {
        const dy = dRemapped[i] as number;
        if (dy === 0) continue;
        const place = placeOf(image[i] as number, sample);
        const cell = cellOf(place);
        const rise = (nodes[cell + 1] as number) - (nodes[cell] as number);
        dImage[i] = (dImage[i] as number) + dy * rise * scale;
        const right = dy * (place - cell);
        addTo(bins as Float64Array, cell, dy - right);
        addTo(bins as Float64Array, cell + 1, right);
      }
    },
  };
}

/** The remap function of this name in the attributes of the kernel: of sigma, alpha and beta, or of a table. */
export function remapLoop(name: string, parameters: readonly Float32Array[], span: number): RemapLoop {
  const [first = new Float32Array()] = parameters;
  if (name === 'table') return table(first, span);
  const [sigma = 0, alpha = 0, beta = 0] = parameters.map(([value]) => value as number);
  return loopOf(name === 'gauss' ? gauss(sigma, alpha, beta) : paris(sigma, alpha, beta, name === 'parisBlended'));
}
