import { DelimiterFramer } from './delimiter.js';
import type { Accept, Framer } from './framing.js';
import { RegexFramer } from './regex-framer.js';
import type { FrameConfig } from './schema.js';
import { SilenceFramer } from './silence-framer.js';
import { SizedFramer } from './sized-framer.js';
import { StxEtxFramer } from './stx-etx-framer.js';

/** The framer that a configuration describes. `isChecked`: `accept` compares a check sum. */
export function createFramer(config: FrameConfig, isChecked = false, accept: Accept = () => true): Framer {
  switch (config.type) {
    case 'delimiter':
      return new DelimiterFramer(config, accept);
    case 'stx_etx':
      return new StxEtxFramer(config, accept);
    case 'length':
    case 'length_field':
      return new SizedFramer(config, isChecked, accept);
    case 'regex':
      return new RegexFramer(config, accept);
    case 'silence':
      return new SilenceFramer(config, false, accept);
    case 'stream':
      return new SilenceFramer(config, true, accept);
  }
}
