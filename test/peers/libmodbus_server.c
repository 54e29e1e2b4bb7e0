/* A Modbus TCP server of libmodbus with known registers: one value of every type from holding register 0 on.
   Prints "listening PORT" and serves until it is killed. */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

static void put(uint16_t *registers, const unsigned char *bytes, int count) {
  for (int i = 0; i < count; i++) registers[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
}

int main(void) {
  modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
  modbus_mapping_t *map = modbus_mapping_new(100, 100, 200, 200);
  uint16_t *r = map->tab_registers;

  r[0] = (uint16_t)-1234;                         /* int16 */
  r[1] = 65000;                                   /* uint16 */
  put(r + 2, (const unsigned char *)"\x41\xa8\xcc\xcd", 2);                  /* float32 21.1: ABCD, BADC, CDAB, DCBA */
  put(r + 4, (const unsigned char *)"\xa8\x41\xcd\xcc", 2);
  put(r + 6, (const unsigned char *)"\xcc\xcd\x41\xa8", 2);
  put(r + 8, (const unsigned char *)"\xcd\xcc\xa8\x41", 2);
  put(r + 10, (const unsigned char *)"\xff\xfe\x79\x60", 2);                 /* int32 -100000 */
  put(r + 12, (const unsigned char *)"\x7f\xff\xff\xff\xff\xff\xff\xfd", 4); /* int64 2^63 - 3 */
  put(r + 16, (const unsigned char *)"\x40\x09\x21\xfb\x54\x44\x2d\x18", 4); /* float64 pi */
  put(r + 20, (const unsigned char *)"Ferrule\0", 4);                        /* string */
  r[24] = 0x1234;                                 /* bcd16 */
  r[25] = 0x12a4;                                 /* bcd16 with a wrong digit */
  r[26] = 0x8000;                                 /* sentinel */
  r[27] = 0x8034;                                 /* high -128, low 52; bits 2, 4, 5, 15 */
  put(r + 28, (const unsigned char *)"\x7f\xc0\x00\x00", 2);                 /* float32 NaN */
  r[30] = 0x4248;                                 /* float16 3.140625 */
  map->tab_input_registers[5] = 555;
  map->tab_bits[7] = 1;
  map->tab_input_bits[3] = 1;

  int listener = modbus_tcp_listen(context, 4);
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("listening %d\n", ntohs(address.sin_port));
  fflush(stdout);

  for (;;) {
    if (modbus_tcp_accept(context, &listener) == -1) return 1;
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    int size;
    while ((size = modbus_receive(context, query)) != -1)
      if (size > 0 && modbus_reply(context, query, size, map) == -1) break;
    modbus_close(context);
  }
}
