/** The part of daikon that the examples use; it ships no types. */
declare module 'daikon' {
  interface DicomImage {
    getRows(): number;
    getCols(): number;
    getNumberOfFrames(): number;
    getWindowCenter(): number | null;
    getWindowWidth(): number | null;
    getPhotometricInterpretation(): string | null;
    /** With `asObject`, the values of all frames one after another, scaled as the file says. */
    getInterpretedData(
      asArray: boolean,
      asObject: true,
    ): { data: ArrayLike<number>; numCols: number; numRows: number; min: number; max: number };
  }
  const daikon: { Series: { parseImage(data: DataView): DicomImage | null } };
  export default daikon;
}
