import { webSocketStatements } from '../websocket.js';

webSocketStatements(5);
