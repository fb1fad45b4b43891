/* Receives outbound messages with gSOAP.
 *
 *   receiver PORT [DATABASE]
 *
 * A pool of threads takes accepted connections from a queue and serves each for
 * as long as it is kept alive, as gSOAP's documentation has it for a
 * multi-threaded stand-alone service. With a database, each message is one
 * SQLite transaction that is on the disk before it is acknowledged.
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <sqlite3.h>

#include "NotificationBinding.nsmap"
#include "soapH.h"

/* One for each connection that is kept alive at the same time. */
enum { THREADS = 160, QUEUE = 1024 };

static SOAP_SOCKET queue[QUEUE];
static unsigned queue_first, queue_length;
static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;

static sqlite3 *database;
static sqlite3_stmt *begin_work, *insert, *commit_work, *rollback_work;
static pthread_mutex_t database_lock = PTHREAD_MUTEX_INITIALIZER;

static void enqueue(SOAP_SOCKET socket) {
  pthread_mutex_lock(&queue_lock);
  if (queue_length < QUEUE) {
    queue[(queue_first + queue_length++) % QUEUE] = socket;
    pthread_cond_signal(&queue_filled);
  } else {
    close(socket);
  }
  pthread_mutex_unlock(&queue_lock);
}

static SOAP_SOCKET dequeue(void) {
  pthread_mutex_lock(&queue_lock);
  while (queue_length == 0) pthread_cond_wait(&queue_filled, &queue_lock);
  SOAP_SOCKET socket = queue[queue_first];
  queue_first = (queue_first + 1) % QUEUE;
  queue_length--;
  pthread_mutex_unlock(&queue_lock);
  return socket;
}

static void *serve(void *argument) {
  struct soap *soap = argument;
  for (;;) {
    soap->socket = dequeue();
    soap_serve(soap);
    soap_destroy(soap);
    soap_end(soap);
  }
  return NULL;
}

static void must(int result) {
  if (result != SQLITE_OK) {
    fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(database));
    exit(1);
  }
}

static sqlite3_stmt *prepared(const char *sql) {
  sqlite3_stmt *statement;
  must(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
  return statement;
}

static void open_database(const char *path) {
  must(sqlite3_open_v2(path, &database,
                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
  must(sqlite3_exec(database,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "CREATE TABLE IF NOT EXISTS notifications (id TEXT PRIMARY KEY,"
                    " record_id TEXT, visitor_id TEXT, title TEXT, amount REAL, currency TEXT,"
                    " modified INTEGER) WITHOUT ROWID",
                    NULL, NULL, NULL));
  begin_work = prepared("BEGIN IMMEDIATE");
  insert = prepared("INSERT OR IGNORE INTO notifications VALUES (?, ?, ?, ?, ?, ?, ?)");
  commit_work = prepared("COMMIT");
  rollback_work = prepared("ROLLBACK");
}

static int run(sqlite3_stmt *statement) {
  int result = sqlite3_step(statement);
  sqlite3_reset(statement);
  return result == SQLITE_DONE;
}

static void bind_text(int index, const char *text) {
  sqlite3_bind_text(insert, index, text, -1, SQLITE_STATIC);
}

static int record(const struct ns1__OpportunityNotification *notification) {
  const struct ns3__Opportunity *opportunity = notification->sObject;
  sqlite3_clear_bindings(insert);
  bind_text(1, notification->Id);
  bind_text(2, opportunity->Id);
  bind_text(3, opportunity->Infinity_USCOREVID_USCORE_USCOREc);
  bind_text(4, opportunity->Name);
  if (opportunity->Amount) sqlite3_bind_double(insert, 5, *opportunity->Amount);
  bind_text(6, opportunity->CurrencyIsoCode);
  if (opportunity->LastModifiedDate)
    sqlite3_bind_int64(insert, 7, *opportunity->LastModifiedDate);
  return run(insert);
}

static int record_all(const struct _ns1__notifications *message) {
  pthread_mutex_lock(&database_lock);
  int good = run(begin_work);
  for (int index = 0; good && index < message->__sizeNotification; index++)
    good = record(&message->Notification[index]);
  good = good && run(commit_work);
  if (!good) run(rollback_work);
  pthread_mutex_unlock(&database_lock);
  return good;
}

/* Called by gSOAP for each message. */
int __ns1__notifications(struct soap *soap, struct _ns1__notifications *message,
                         struct _ns1__notificationsResponse *response) {
  if (database && !record_all(message))
    return soap_receiver_fault(soap, "The message could not be stored.", NULL);
  response->Ack = xsd__boolean__true_;
  return SOAP_OK;
}

int main(int count, char **arguments) {
  if (count < 2) {
    fprintf(stderr, "usage: receiver PORT [DATABASE]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  if (count > 2) open_database(arguments[2]);

  struct soap listener;
  soap_init1(&listener, SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
  listener.bind_flags = SO_REUSEADDR;
  listener.max_keep_alive = 0; /* any number of messages over a connection */
  if (!soap_valid_socket(soap_bind(&listener, "127.0.0.1", atoi(arguments[1]), 1024))) {
    soap_print_fault(&listener, stderr);
    return 1;
  }
  for (int index = 0; index < THREADS; index++) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, serve, soap_copy(&listener))) return 1;
    pthread_detach(thread);
  }
  for (;;) {
    SOAP_SOCKET socket = soap_accept(&listener);
    if (soap_valid_socket(socket)) enqueue(socket);
  }
}
