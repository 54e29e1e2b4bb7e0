import type { PlantDeviceName } from '../field/simulator/demo-plant.js';

export interface DemoPorts {
  /** Where the simulated devices listen on 127.0.0.1. */
  plant: Record<PlantDeviceName, number>;
  /** Default: 1883. */
  mqtt?: number;
  /** Default: 8080. */
  console?: number;
}

/** File name of the demo's rule, within the directory `rules` beside the configuration. */
export const DEMO_RULE_FILE = 'oven.yaml';

/** ferrule.yaml of the demo. */
export function demoConfig({ plant, mqtt = 1883, console: consolePort = 8080 }: DemoPorts): string {
  return `# The demo's configuration: a simulated plant on this machine. Everything listens on 127.0.0.1 only.
gateway:
  id: demo
  name: Demo plant

broker:
  listeners:
    - {type: tcp, host: 127.0.0.1, port: ${mqtt}}
  allow_anonymous: true            # nobody but this machine can reach it

console: {host: 127.0.0.1, port: ${consolePort}, tls: off}

rules: {directory: rules}

field:
  buses:
    - {name: main-panel, type: modbus_tcp, host: 127.0.0.1, port: ${plant.meter}, timeout: 1s}
    - {name: oven-controller, type: modbus_tcp, host: 127.0.0.1, port: ${plant.oven}, timeout: 1s}
    - {name: pump-drive, type: modbus_tcp, host: 127.0.0.1, port: ${plant.drive}, timeout: 1s}
    - {name: scale-line, type: serial_tcp, host: 127.0.0.1, port: ${plant.scale}}
  devices:
    - name: meter
      bus: main-panel
      unit: 1
      scan: {fast: 1s, slow: 10s}
      tags:
        - {name: voltage_l1, area: input, address: 0, type: float32, unit: V, precision: 1, deadband: 0.2, scan: fast, description: Voltage of phase L1}
        - {name: voltage_l2, area: input, address: 2, type: float32, unit: V, precision: 1, deadband: 0.2, scan: fast, description: Voltage of phase L2}
        - {name: voltage_l3, area: input, address: 4, type: float32, unit: V, precision: 1, deadband: 0.2, scan: fast, description: Voltage of phase L3}
        - {name: current_l1, area: input, address: 6, type: float32, unit: A, precision: 2, deadband: 0.1, scan: fast, description: Current of phase L1}
        - {name: current_l2, area: input, address: 8, type: float32, unit: A, precision: 2, deadband: 0.1, scan: fast, description: Current of phase L2}
        - {name: current_l3, area: input, address: 10, type: float32, unit: A, precision: 2, deadband: 0.1, scan: fast, description: Current of phase L3}
        - {name: power, area: input, address: 52, type: float32, unit: kW, scale: 0.001, precision: 3, deadband: 0.02, scan: fast, description: Power of all phases}
        - {name: power_factor, area: input, address: 62, type: float32, precision: 3, deadband: 0.005, scan: slow, description: Power factor}
        - {name: frequency, area: input, address: 70, type: float32, unit: Hz, precision: 3, deadband: 0.005, scan: fast, description: Frequency of the mains}
        - {name: energy, area: input, address: 72, type: float32, unit: kWh, precision: 2, scan: slow, description: Energy since the meter was installed}
    - name: oven
      bus: oven-controller
      unit: 1
      scan: {fast: 500ms}
      tags:
        - {name: temperature, area: input, address: 0, type: int16, scale: 0.1, precision: 1, deadband: 0.2, unit: °C, description: Temperature in the chamber}
        - {name: output, area: input, address: 1, type: uint16, scale: 0.1, precision: 1, deadband: 0.5, unit: "%", description: Power of the heater}
        - {name: ambient, area: input, address: 2, type: int16, scale: 0.1, precision: 1, deadband: 0.2, unit: °C, description: Temperature outside the chamber}
        - name: setpoint
          area: holding
          address: 0
          type: int16
          scale: 0.1
          precision: 1
          unit: °C
          access: read_write
          write: {min: 0, max: 300}
          description: Temperature that the controller holds
        - {name: heater, area: coil, address: 0, type: bool, access: read_write, description: Heater switched on}
        - {name: heating, area: discrete, address: 0, type: bool, description: Heater takes power now}
        - {name: too_hot, area: discrete, address: 1, type: bool, description: More than 15 °C above the setpoint}
    - name: drive
      bus: pump-drive
      unit: 1
      order: CDAB
      scan: {fast: 500ms, slow: 5s}
      tags:
        - name: speed_setpoint
          area: holding
          address: 0
          type: uint16
          unit: rpm
          access: read_write
          write: {min: 0, max: 1500}
          scan: fast
          description: Speed that the drive ramps to
        - {name: run, area: holding, address: 1, type: uint16, access: read_write, write: {min: 0, max: 1}, enum: {"0": stop, "1": run}, scan: fast, description: Run command}
        - {name: running, area: holding, address: 10, type: bit, bit: 1, scan: fast, description: Motor turns}
        - {name: at_speed, area: holding, address: 10, type: bit, bit: 2, scan: fast, description: Setpoint reached}
        - {name: warning, area: holding, address: 10, type: bit, bit: 3, scan: fast, description: Drive is hot}
        - {name: speed, area: holding, address: 11, type: uint16, unit: rpm, deadband: 3, scan: fast, description: Speed of the motor}
        - {name: current, area: holding, address: 12, type: uint16, scale: 0.01, precision: 2, deadband: 0.1, unit: A, scan: fast, description: Motor current}
        - {name: power, area: holding, address: 13, type: uint16, scale: 0.01, precision: 2, deadband: 0.03, unit: kW, scan: fast, description: Motor power}
        - {name: pressure, area: holding, address: 14, type: uint16, scale: 0.01, precision: 2, deadband: 0.03, unit: bar, scan: fast, description: Pressure after the pump}
        - {name: flow, area: holding, address: 22, type: float32, precision: 2, deadband: 0.2, unit: m³/h, scan: fast, description: Flow after the pump}
        - {name: temperature, area: holding, address: 15, type: int16, scale: 0.1, precision: 1, deadband: 0.2, unit: °C, scan: slow, description: Temperature of the drive}
        - {name: run_hours, area: holding, address: 20, type: uint32, scale: 0.001, precision: 2, unit: h, scan: slow, description: Hours in operation}
    - name: scale
      bus: scale-line
      frame: {type: delimiter, end: "\\r\\n", max: 128B}
      decode:
        type: regex
        pattern: "^(?<motion>ST|US),GS,\\\\s*(?<weight>[-+0-9.]+)kg$"
        fields:
          - {name: weight, type: float, unit: kg, precision: 2, deadband: 0.02, description: Gross weight}
          - {name: motion, type: string, description: "ST: stable, US: in motion"}
`;
}

/** The rule that comes with the demo: the oven above its limit. */
export const DEMO_RULE = `# Tells everyone while the oven is too hot. Files here are read again when they change.
rule: oven-over-temperature
description: The oven is hotter than any product stands.
on: {topic: "field/oven/temperature"}
let: {temp: payload.v}
when: temp > 195 && payload.q == "good"
do:
  - publish:
      topic: alarms/oven
      qos: 1
      payload: {message: "'Oven above 195 °C'", temperature: temp, at: payload.ts}
`;
