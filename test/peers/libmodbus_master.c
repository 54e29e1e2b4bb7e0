/* Masters of libmodbus, all at once, each on a connection of its own:
     libmodbus_master PORT MASTERS ROUNDS UNIT ADDRESS VALUE...
   Each reads the holding registers ROUNDS times and compares them. Prints "right N wrong N failed N" with the last error. */
#include <errno.h>
#include <modbus.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int port, rounds, unit, address, count;
static uint16_t expected[125];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long right, wrong, failed;
static char last_error[200] = "none";

static void note(long *counter, const char *error) {
  pthread_mutex_lock(&lock);
  (*counter)++;
  if (error != NULL) snprintf(last_error, sizeof last_error, "%s", error);
  pthread_mutex_unlock(&lock);
}

static void *master(void *unused) {
  (void)unused;
  modbus_t *context = modbus_new_tcp("127.0.0.1", port);
  modbus_set_slave(context, unit);
  modbus_set_response_timeout(context, 10, 0);
  if (modbus_connect(context) == -1) {
    note(&failed, modbus_strerror(errno));
    modbus_free(context);
    return NULL;
  }
  for (int round = 0; round < rounds; round++) {
    uint16_t values[125];
    if (modbus_read_registers(context, address, count, values) != count) note(&failed, modbus_strerror(errno));
    else if (memcmp(values, expected, (size_t)count * 2) != 0) note(&wrong, NULL);
    else note(&right, NULL);
  }
  modbus_close(context);
  modbus_free(context);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  port = atoi(argv[1]);
  int masters = atoi(argv[2]);
  rounds = atoi(argv[3]);
  unit = atoi(argv[4]);
  address = atoi(argv[5]);
  for (int i = 6; i < argc; i++) expected[count++] = (uint16_t)atoi(argv[i]);
  pthread_t *threads = malloc(sizeof(pthread_t) * (size_t)masters);
  for (int i = 0; i < masters; i++) pthread_create(&threads[i], NULL, master, NULL);
  for (int i = 0; i < masters; i++) pthread_join(threads[i], NULL);
  printf("right %ld wrong %ld failed %ld (last error: %s)\n", right, wrong, failed, last_error);
  return 0;
}
