/* libmodbus as a client: reads the holding registers at 0, SPACING, 2 SPACING, ... (BLOCKS times), COUNT at once, over and
   over, one request after the other, and looks at the first and the last register of each answer (modbus_devices.c).

   modbus_loop PORT BLOCKS SPACING COUNT     prints "running"; runs until it is killed */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  int port = atoi(argv[1]), blocks = atoi(argv[2]), spacing = atoi(argv[3]), count = atoi(argv[4]);
  uint16_t registers[MODBUS_MAX_READ_REGISTERS];
  modbus_t *context = modbus_new_tcp("127.0.0.1", port);
  if (context == NULL || modbus_connect(context) == -1) return perror("connect"), 1;
  printf("running\n");
  fflush(stdout);
  for (;;) {
    for (int block = 0; block < blocks; block++) {
      int first = block * spacing, last = first + count - 1;
      if (modbus_read_registers(context, first, count, registers) != count) return perror("read"), 1;
      if (registers[0] != (uint16_t)(257 * first + 5003) || registers[count - 1] != (uint16_t)(257 * last + 5003)) {
        fprintf(stderr, "a wrong value in block %d\n", block);
        return 1;
      }
    }
  }
}
