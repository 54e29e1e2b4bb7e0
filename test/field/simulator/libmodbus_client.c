/* Calls every function of libmodbus' TCP client that the simulator serves and prints one line per answer. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>

static void show(const char *name, int rc, const uint16_t *registers, const uint8_t *bits) {
  printf("%s %d", name, rc);
  if (rc == -1) printf(" exception %d", errno - MODBUS_ENOBASE);
  for (int i = 0; i < rc && (registers != NULL || bits != NULL); i++) printf(" %d", registers != NULL ? registers[i] : bits[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  uint16_t words[125] = {0};
  uint8_t bits[16] = {0};
  uint16_t two[2] = {0x1234, 0xabcd};
  uint8_t three[3] = {1, 0, 1};
  if (argc < 2) return 2;
  modbus_t *bus = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
  modbus_set_slave(bus, 1);
  modbus_set_response_timeout(bus, 5, 0);
  if (modbus_connect(bus) == -1) return 1;
  show("fc1", modbus_read_bits(bus, 0, 10, bits), NULL, bits);
  show("fc2", modbus_read_input_bits(bus, 0, 3, bits), NULL, bits);
  show("fc3", modbus_read_registers(bus, 0, 2, words), words, NULL);
  show("fc4", modbus_read_input_registers(bus, 5, 1, words), words, NULL);
  show("fc5", modbus_write_bit(bus, 9, 1), NULL, NULL);
  show("fc6", modbus_write_register(bus, 0, 77), NULL, NULL);
  show("fc15", modbus_write_bits(bus, 0, 3, three), NULL, NULL);
  show("fc16", modbus_write_registers(bus, 1, 2, two), NULL, NULL);
  show("fc22", modbus_mask_write_register(bus, 1, 0x00ff, 0x5600), NULL, NULL);
  show("fc23", modbus_write_and_read_registers(bus, 3, 2, two, 0, 5, words), words, NULL);
  show("fc1 after", modbus_read_bits(bus, 0, 10, bits), NULL, bits);
  show("too far", modbus_read_registers(bus, 9, 2, words), words, NULL);
  show("refused", modbus_write_register(bus, 0, 60000), NULL, NULL);
  modbus_close(bus);
  modbus_free(bus);
  return 0;
}
