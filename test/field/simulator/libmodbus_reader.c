/* Reads with libmodbus:
     libmodbus_reader tcp PORT | rtu DEVICE BAUD, then UNIT AREA ADDRESS COUNT...
   Prints a line per read: "values ..." or "error TEXT". AREA: holding, input, coil, discrete. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  int next = 3;
  modbus_t *context;
  if (strcmp(argv[1], "tcp") == 0) context = modbus_new_tcp("127.0.0.1", atoi(argv[2]));
  else context = modbus_new_rtu(argv[2], atoi(argv[next++]), 'N', 8, 1);
  modbus_set_response_timeout(context, strcmp(argv[1], "tcp") == 0 ? 10 : 2, 0);
  if (modbus_connect(context) == -1) {
    fprintf(stderr, "%s\n", modbus_strerror(errno));
    return 1;
  }
  for (; next + 3 < argc; next += 4) {
    uint16_t registers[125];
    uint8_t bits[2000];
    const char *area = argv[next + 1];
    int address = atoi(argv[next + 2]), count = atoi(argv[next + 3]), got;
    modbus_set_slave(context, atoi(argv[next]));
    if (strcmp(area, "holding") == 0) got = modbus_read_registers(context, address, count, registers);
    else if (strcmp(area, "input") == 0) got = modbus_read_input_registers(context, address, count, registers);
    else if (strcmp(area, "coil") == 0) got = modbus_read_bits(context, address, count, bits);
    else got = modbus_read_input_bits(context, address, count, bits);
    if (got == -1) printf("error %s", modbus_strerror(errno));
    else {
      printf("values");
      for (int i = 0; i < got; i++) printf(" %d", area[0] == 'h' || area[0] == 'i' ? registers[i] : bits[i]);
    }
    printf("\n");
    fflush(stdout);
  }
  modbus_close(context);
  modbus_free(context);
  return 0;
}
