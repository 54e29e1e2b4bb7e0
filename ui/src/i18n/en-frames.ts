/** Frames of serial instruments; part of en.ts. */
export const enFrames = {
  'frames.title': 'Frames',
  'frames.received': 'Received',
  'frames.badChecksum': 'Wrong check sum',
  'frames.unreadable': 'Unreadable',
  'frames.tooLong': 'Too long',
  'frames.strayBytes': 'Stray bytes',
  'frames.faults': 'The last that could not be used',
  'frames.fault': 'Dropped: {problem}',
  'frames.more': '… and {count} bytes more',
};
