/** The remap functions of the local Laplacian filter in GLSL. `detail` is d = pixel − sample. */

/** The remap functions by their names in the attributes of the kernel. */
export type RemapName = 'gauss' | 'paris' | 'parisBlended' | 'table';

const GAUSS = `
  float bellOf(float d) {
    return exp(max(-0.5 * d * d / (getA(0) * getA(0)), -40.0));
  }
  float remap(float d) {
    return d * (bellOf(d) * getB(0) + getC(0));
  }
  float slope(float d) {
    return bellOf(d) * (1.0 - d * d / (getA(0) * getA(0))) * getB(0) + getC(0);
  }
  float bySigma(float d) {
    return d * bellOf(d) * d * d / (getA(0) * getA(0)) * getB(0) / getA(0);
  }
  float byAlpha(float d) {
    return d * bellOf(d);
  }
  float byBeta(float d) {
    return d;
  }`;

/** The share of the power in the blend; 1 without it, and where alpha is not below 1. */
const BLEND = `
  float rampOf(float size) {
    return clamp((size - 0.01) / 0.01, 0.0, 1.0);
  }
  float tauOf(float size) {
    if (getB(0) >= 1.0) return 1.0;
    float root = rampOf(size) * (2.0 - rampOf(size));
    return root * root;
  }
  float tauSlope(float size) {
    float ramp = rampOf(size);
    return getB(0) >= 1.0 ? 0.0 : ramp * (2.0 - ramp) * (1.0 - ramp) * 400.0;
  }`;

const NO_BLEND = `
  float tauOf(float size) {
    return 1.0;
  }
  float tauSlope(float size) {
    return 0.0;
  }`;

/** The slope of a power below 1 has no bound at 0: that of a detail of 1e-6 is taken there. */
const PARIS = `
  float shareOf(float size, float smallest) {
    return max(size, smallest) / getA(0);
  }
  float powerOf(float share) {
    return exp(max(getB(0) * log(share), -80.0));
  }
  float bentRate(float size) {
    float share = shareOf(size, 1e-6);
    return 1.0 + tauOf(size) * (powerOf(share) / share * getB(0) - 1.0);
  }
  float remap(float d) {
    float size = abs(d);
    if (size < getA(0)) {
      float share = shareOf(size, 1e-30);
      return sign(d) * (share + tauOf(size) * (powerOf(share) - share)) * getA(0);
    }
    return (d < 0.0 ? -1.0 : 1.0) * ((size - getA(0)) * getC(0) + getA(0));
  }
  float slope(float d) {
    float size = abs(d);
    if (size >= getA(0)) return getC(0);
    float share = shareOf(size, 1e-6);
    return bentRate(size) + tauSlope(size) * (powerOf(share) - share) * getA(0);
  }
  float bySigma(float d) {
    float size = abs(d);
    if (size >= getA(0)) return sign(d) * (1.0 - getC(0));
    float share = shareOf(size, 1e-6);
    return sign(d) * (share + tauOf(size) * (powerOf(share) - share) - share * bentRate(size));
  }
  float byAlpha(float d) {
    float size = abs(d);
    float share = shareOf(size, 1e-6);
    return size < getA(0) ? sign(d) * powerOf(share) * log(share) * getA(0) * tauOf(size) : 0.0;
  }
  float byBeta(float d) {
    float size = abs(d);
    return size < getA(0) ? 0.0 : sign(d) * (size - getA(0));
  }`;

/** A table of n nodes over `[-span, span]`, straight between them and beyond its ends. */
function tableCode(nodes: number): string {
  return `
  float placeIn(float d) {
    return (d + high - low) * ${nodes - 1}.0 / (2.0 * (high - low));
  }
  int cellOf(float place) {
    return int(clamp(floor(place), 0.0, ${nodes - 2}.0));
  }
  float remap(float d) {
    int cell = cellOf(placeIn(d));
    float left = getA(cell);
    return left + (getA(cell + 1) - left) * (placeIn(d) - float(cell));
  }
  float slope(float d) {
    int cell = cellOf(placeIn(d));
    return (getA(cell + 1) - getA(cell)) * ${nodes - 1}.0 / (2.0 * (high - low));
  }`;
}

/** `remap(d)` and `slope(d)`, and but for tables `bySigma(d)`, `byAlpha(d)`, `byBeta(d)`. */
export function remapCode(name: RemapName, nodes: number): string {
  if (name === 'table') return tableCode(nodes);
  if (name === 'gauss') return GAUSS;
  return (name === 'parisBlended' ? BLEND : NO_BLEND) + PARIS;
}
