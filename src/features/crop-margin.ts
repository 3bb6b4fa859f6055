/** Share of an object's sides that is added around its crop before a net sees it (`evaluate-visual-search --margin`). */
export const CROP_MARGIN = 0;
