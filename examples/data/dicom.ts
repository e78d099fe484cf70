/** DICOM files. */
import daikon from 'daikon';
import { type GreyImage, percentileWindow, windowed } from './grey_image.js';

/** Share of the darkest and of the brightest values that a window leaves out if the file names none. */
const CUT = 0.005;

/**
 * Reads a DICOM file, each frame an image, in the window that the file names or else in one around nearly all its values.
 * Where the file says that small values are bright (MONOCHROME1), they are turned round.
 */
export function readDicom(bytes: Uint8Array): GreyImage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // daikon reads from the start of the buffer.
  const image = daikon.Series.parseImage(
    new DataView(view.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)),
  );
  if (!image) throw new Error('readDicom: bytes must be a DICOM file, received something else.');
  const [height, width] = [image.getRows(), image.getCols()];
  const { data } = image.getInterpretedData(false, true);
  const [center, span] = [image.getWindowCenter(), image.getWindowWidth()];
  const window = center !== null && span !== null ? { center, width: span } : percentileWindow(data, CUT);
  const shown = windowed(data, window.center, window.width);
  const values =
    image.getPhotometricInterpretation()?.trim() === 'MONOCHROME1' ? shown.map((value) => 1 - value) : shown;
  const size = height * width;
  return Array.from({ length: values.length / size }, (_, i) => ({
    height,
    width,
    values: values.subarray(i * size, (i + 1) * size),
  }));
}
