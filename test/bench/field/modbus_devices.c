/* Modbus devices of libmodbus for the benchmarks, many in one process. Their holding registers tell where they came from:
   register a of device d holds 257 a + 5003 d + s, where s counts the device's scans (reads from address 0 on) in every
   `changing`th register (0: in none) and is 0 in the others. values.ts knows the same.

   modbus_devices tcp COUNT CHANGING      prints "listening PORT PORT ..."; device 1 is at the first port
   modbus_devices rtu FILE BAUD CHANGING DEAD   one line, 8E1; unit u is device u, unit DEAD does not answer (0: all do)
   On each line of standard input it prints "scans GAP REQUESTS COUNT COUNT ...": the longest time between two scans of one
   device in us, all requests, and the scans of each device, since the line before. It ends with standard input. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVICES 256
#define MAX_FILES (2 * MAX_DEVICES + 1)
#define SCANS 250 /* the counter starts again: values.ts */

static struct device {
  unsigned scans; /* ever */
  unsigned counted;
  long long last, gap; /* us */
} devices[MAX_DEVICES];
static int device_count, changing;
static unsigned requests;
static modbus_mapping_t *map;

static long long now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* What a request asks for is laid out before libmodbus answers it. `pdu`: its function code and what follows. */
static void prepare(int device, const uint8_t *pdu) {
  int address = pdu[1] << 8 | pdu[2], count = pdu[3] << 8 | pdu[4];
  struct device *d = &devices[device];
  requests++;
  if (pdu[0] != 3) return;
  if (address == 0) {
    long long now = now_us();
    if (d->last != 0 && now - d->last > d->gap) d->gap = now - d->last;
    d->last = now;
    d->scans++;
    d->counted++;
  }
  for (int a = address; a < address + count && a < 65536; a++) {
    unsigned scan = changing > 0 && a % changing == 0 ? d->scans % SCANS : 0;
    map->tab_registers[a] = (uint16_t)(257 * a + 5003 * device + scan);
  }
}

static int report(void) {
  char line[256];
  ssize_t size = read(0, line, sizeof line);
  if (size <= 0) return 0;
  long long gap = 0;
  for (int d = 1; d <= device_count; d++) if (devices[d].gap > gap) gap = devices[d].gap;
  printf("scans %lld %u", gap, requests);
  for (int d = 1; d <= device_count; d++) {
    printf(" %u", devices[d].counted);
    devices[d].counted = 0;
    devices[d].gap = 0;
  }
  printf("\n");
  fflush(stdout);
  requests = 0;
  return 1;
}

static int serve_tcp(void) {
  static struct pollfd files[MAX_FILES];
  static int device_of[MAX_FILES];
  int used = 0;
  modbus_t *context = modbus_new_tcp("127.0.0.1", 0);
  files[used++] = (struct pollfd){.fd = 0, .events = POLLIN};
  printf("listening");
  for (int d = 1; d <= device_count; d++) {
    int listener = modbus_tcp_listen(context, 4);
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (listener == -1 || getsockname(listener, (struct sockaddr *)&address, &length) == -1) return perror("listen"), 1;
    device_of[used] = d;
    files[used++] = (struct pollfd){.fd = listener, .events = POLLIN};
    printf(" %d", ntohs(address.sin_port));
  }
  printf("\n");
  fflush(stdout);
  for (;;) {
    if (poll(files, used, -1) == -1) return perror("poll"), 1;
    if (files[0].revents && !report()) return 0;
    for (int i = 1; i < used; i++) {
      if (!files[i].revents) continue;
      if (i <= device_count) {
        int one = 1, socket = accept(files[i].fd, NULL, NULL);
        if (socket == -1 || used == MAX_FILES) return perror("accept"), 1;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        device_of[used] = device_of[i];
        files[used++] = (struct pollfd){.fd = socket, .events = POLLIN};
        continue;
      }
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(context, files[i].fd);
      int size = modbus_receive(context, query);
      if (size > 0) {
        prepare(device_of[i], query + 7);
        size = modbus_reply(context, query, size, map);
      }
      if (size == -1) {
        close(files[i].fd);
        files[i] = files[--used];
        device_of[i] = device_of[used];
        i--;
      }
    }
  }
}

static uint16_t crc16(const uint8_t *bytes, int count) {
  uint16_t crc = 0xffff;
  while (count-- > 0) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/* libmodbus answers for one unit only; here one process is all units of the line, so the request is read by hand. */
static int serve_rtu(const char *file, int baud, int dead) {
  modbus_t *context = modbus_new_rtu(file, baud, 'E', 8, 1);
  if (context == NULL || modbus_connect(context) == -1) return perror(file), 1;
  long silence_ns = baud > 19200 ? 1750000 : 35 * 11 * (100000000L / baud);
  int serial = modbus_get_socket(context);
  struct pollfd files[2] = {{.fd = 0, .events = POLLIN}, {.fd = serial, .events = POLLIN}};
  uint8_t query[8];
  int have = 0;
  printf("listening\n");
  fflush(stdout);
  for (;;) {
    int ready = poll(files, 2, have > 0 ? 100 : -1);
    if (ready == 0) have = 0; /* half a request, then silence */
    if (files[0].revents && !report()) return 0;
    if (!files[1].revents) continue;
    ssize_t size = read(serial, query + have, sizeof query - have);
    if (size <= 0) return perror(file), 1;
    have += (int)size;
    if (have < (int)sizeof query) continue;
    if (crc16(query, 6) != (query[6] | query[7] << 8)) {
      memmove(query, query + 1, (size_t)--have);
      continue;
    }
    have = 0;
    if (query[0] == dead || query[0] == 0 || query[0] > device_count) continue;
    /* That silence tells a device that the request has ended. */
    nanosleep(&(struct timespec){.tv_nsec = silence_ns}, NULL);
    prepare(query[0], query + 1);
    modbus_set_slave(context, query[0]);
    if (modbus_reply(context, query, sizeof query, map) == -1) return perror("reply"), 1;
  }
}

int main(int argc, char **argv) {
  if ((map = modbus_mapping_new(0, 0, 65536, 0)) == NULL) return 1;
  if (argc == 4 && strcmp(argv[1], "tcp") == 0) {
    device_count = atoi(argv[2]);
    changing = atoi(argv[3]);
    if (device_count < 1 || device_count >= MAX_DEVICES) return 2;
    return serve_tcp();
  }
  if (argc == 6 && strcmp(argv[1], "rtu") == 0) {
    device_count = 247;
    changing = atoi(argv[4]);
    return serve_rtu(argv[2], atoi(argv[3]), atoi(argv[5]));
  }
  return 2;
}
