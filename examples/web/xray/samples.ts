/** What can be chosen without a file of one's own. */

/** Looks that are hidden from the filter; see `experiments/xray_style/styles.ts`. */
export const STYLE_NAMES = ['crisp', 'deep', 'calm'] as const;
export type StyleName = (typeof STYLE_NAMES)[number];

/** The longest side of an image: what is larger is made smaller, so that a phone can follow. */
export const LONGEST_SIDE = 512;
/** Side of the squares that are learned from. */
export const CROP = 96;
