/*
 * A module for Redis with a type that is called as RedisJSON's, and a command that makes a document of it: what a client sees of
 * daprd's documents without reading them. RedisJSON itself is in no package of the distribution.
 *
 * Redis hands its functions out by name, so that its header is not needed (https://redis.io/docs/latest/develop/reference/modules).
 */

#include <stddef.h>
#include <stdint.h>

typedef struct Context Context;
typedef struct Key Key;
typedef struct Text Text;
typedef struct Type Type;
typedef int Command(Context *, Text **, int);

enum { OK = 0, ERR = 1, WRITE = 2, TYPE_METHODS = 1, API = 1 };

/* What a type does with its values: load, save, rewrite, mem_usage, digest, free. */
typedef struct {
    uint64_t version;
    void *functions[6];
    void *later[16];
} Methods;

static Type *type;
static int (*get_api)(const char *, void *);
static Key *(*open_key)(Context *, Text *, int);
static int (*set_value)(Key *, Type *, void *);
static void (*close_key)(Key *);
static int (*reply)(Context *, const char *);

static void *load(void *rdb, int version) {
    (void)rdb, (void)version;
    return &type;
}

static void save(void *rdb, void *value) { (void)rdb, (void)value; }

static void rewrite(void *aof, Text *key, void *value) { (void)aof, (void)key, (void)value; }

static void release(void *value) { (void)value; }

/* DOCUMENT key */
static int document(Context *context, Text **words, int count) {
    if (count != 2)
        return ERR;
    Key *key = open_key(context, words[1], WRITE);
    set_value(key, type, &type);
    close_key(key);
    return reply(context, "OK");
}

int RedisModule_OnLoad(Context *context) {
    int (*attributes)(Context *, const char *, int, int);
    int (*command)(Context *, const char *, Command *, const char *, int, int, int);
    Type *(*data_type)(Context *, const char *, int, Methods *);
    get_api = (int (*)(const char *, void *))((void **)context)[0];
    get_api("RedisModule_SetModuleAttribs", &attributes);
    get_api("RedisModule_CreateCommand", &command);
    get_api("RedisModule_CreateDataType", &data_type);
    get_api("RedisModule_OpenKey", &open_key);
    get_api("RedisModule_ModuleTypeSetValue", &set_value);
    get_api("RedisModule_CloseKey", &close_key);
    get_api("RedisModule_ReplyWithSimpleString", &reply);
    attributes(context, "document", 1, API);
    Methods methods = {TYPE_METHODS, {load, save, rewrite, NULL, NULL, release}, {NULL}};
    type = data_type(context, "ReJSON-RL", 0, &methods);
    if (type == NULL)
        return ERR;
    return command(context, "document", document, "write", 1, 1, 1);
}
