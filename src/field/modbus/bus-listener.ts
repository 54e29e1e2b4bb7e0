import type { Fault } from '../fault.js';
import type { ModbusAnswer, ModbusRequest } from './pdu.js';

/** Who wants to know what goes on on a bus. */
export interface BusListener {
  /** There is a connection. */
  up(): void;
  /** There is none: nothing on this bus can be read. */
  down(fault: Fault): void;
  /** A unit that had stopped answering answers again. */
  revived(unit: number): void;
  /** Whether this unit still answers is to be found out: something of it is read now. false: it can't be. */
  ask?(unit: number): boolean;
  /** A request goes out, whoever's it is. */
  sent?(request: ModbusRequest): void;
  /** It was answered, and that is sure; exceptions are answers. `sentAt`: monotonic ms. */
  answered?(request: ModbusRequest, answer: ModbusAnswer, sentAt: number): void;
}
