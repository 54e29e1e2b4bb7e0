/** A list of 50 000 tags has about 5 MB. */
export const MAX_TABLE_BYTES = 16 * 1024 * 1024;
