/** A name from the disk made fit for messages and reports: no control characters, nothing that turns the direction of text, not endless. */
export const printable = (text: string): string =>
  text.replaceAll(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?').slice(0, 300)
