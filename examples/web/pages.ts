/** The pages, in the order of the menu. */
export const PAGES = [
  { name: 'cropr', title: 'Token Cropr' },
  { name: 'xray', title: 'X-ray style' },
  { name: 'forgetting', title: 'Forgetting' },
  { name: 'labels', title: 'Labels from rules' },
  { name: 'language', title: 'Language' },
] as const;

export type PageName = (typeof PAGES)[number]['name'];
