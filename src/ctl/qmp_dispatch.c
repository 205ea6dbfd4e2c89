/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to its reply: the shape of messages, types of arguments. */
#include "qmp_impl.h"

#include <json-c/json_visit.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const class_name[] = {
    [QMP_GENERIC] = "GenericError",
    [QMP_NOT_FOUND] = "CommandNotFound",
    [QMP_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
    [QMP_DEVICE_NOT_FOUND] = "DeviceNotFound",
};

struct json_object *qmp_error(enum qmp_class class, const char *desc)
{
    struct json_object *reply = json_object_new_object();
    struct json_object *body = json_object_new_object();
    char text[1024];

    /* Names may come in any bytes; what goes out is ASCII. */
    log_escape(text, sizeof(text), desc, strlen(desc));
    json_object_object_add(body, "class",
                           json_object_new_string(class_name[class]));
    json_object_object_add(body, "desc", json_object_new_string(text));
    json_object_object_add(reply, "error", body);
    return reply;
}

static const struct qmp_cmd *find(const struct qmp_cmd *c, const char *name)
{
    for (; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

/* JSON strings may hold NUL; what we take as text may not. */
static bool plain(struct json_object *s)
{
    return strlen(json_object_get_string(s)) ==
           (size_t)json_object_get_string_len(s);
}

static const char *type_error(char type, struct json_object *v)
{
    switch (type) {
    case 's':
        if (!json_object_is_type(v, json_type_string))
            return "a string";
        return plain(v) ? NULL : "a string without NUL";
    case 'i':
        return json_object_is_type(v, json_type_int) ? NULL : "an integer";
    case 'b':
        return json_object_is_type(v, json_type_boolean) ? NULL : "a boolean";
    case 'a':
        return json_object_is_type(v, json_type_array) ? NULL : "an array";
    default:
        return json_object_is_type(v, json_type_object) ? NULL : "an object";
    }
}

/* The row "name:type[?]" of a schema that begins at s. */
static const char *schema_find(const char *s, const char *key, size_t len)
{
    for (; s && *s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL)
        if (!strncmp(s, key, len) && s[len] == ':')
            return s + len + 1;
    return NULL;
}

static bool check_args(struct qmp_call *call, const struct qmp_cmd *cmd)
{
    const char *s, *want, *type;
    char name[64];
    size_t len;

    json_object_object_foreach(call->args, key, val)
    {
        type = schema_find(cmd->args, key, strlen(key));
        if (!type && strchr(cmd->args, '*'))
            continue;
        if (!type) {
            err_set(&call->err, -1, "%s has no argument '%.80s'", cmd->name,
                    key);
            return false;
        }
        want = type_error(*type, val);
        if (want) {
            err_set(&call->err, -1, "argument '%.80s' of %s must be %s", key,
                    cmd->name, want);
            return false;
        }
    }
    for (s = cmd->args; s && *s; s = strchr(s, ',') ? strchr(s, ',') + 1 : "") {
        len = strcspn(s, ":");
        if (*s == '*')
            break;
        snprintf(name, sizeof(name), "%.*s", (int)len, s);
        if (s[len + 2] != '?' &&
            !json_object_object_get_ex(call->args, name, NULL)) {
            err_set(&call->err, -1, "argument '%s' of %s is missing", name,
                    cmd->name);
            return false;
        }
    }
    return true;
}

static struct json_object *failed(struct qmp_call *call)
{
    return qmp_error(call->class,
                     call->err.text[0] ? call->err.text : "out of memory");
}

struct json_object *qmp_late_reply(const struct err *e, bool text)
{
    struct json_object *reply, *ret;
    char line[sizeof(e->text) + 16];

    if (e && !text)
        return qmp_error(QMP_GENERIC, e->text);
    if (text) {
        snprintf(line, sizeof(line), "Error: %s\r\n", e ? e->text : "");
        ret = json_object_new_string(e ? line : "");
    } else {
        ret = json_object_new_object();
    }
    reply = json_object_new_object();
    json_object_object_add(reply, "return", ret);
    return reply;
}

static struct json_object *run(struct qmp_call *call, bool *negotiated,
                               const char *name)
{
    const struct qmp_cmd *table =
        call->ctx->cmds ? call->ctx->cmds : qmp_commands;
    const struct qmp_cmd *cmd = find(table, name);
    bool first = !strcmp(name, "qmp_capabilities");
    struct json_object *ret, *reply;

    if (!*negotiated && !first) {
        err_set(&call->err, -1,
                "'%.80s' came before qmp_capabilities, which must be first",
                name);
        call->class = QMP_NOT_FOUND;
        return failed(call);
    }
    if (!cmd || (*negotiated && first)) {
        err_set(&call->err, -1,
                first ? "%.80s was done already"
                      : "there is no command '%.80s'",
                name);
        call->class = QMP_NOT_FOUND;
        return failed(call);
    }
    if (!check_args(call, cmd))
        return failed(call);
    ret = cmd->run(call);
    if (!ret && call->later)
        return NULL;
    if (!ret)
        return failed(call);
    if (first)
        *negotiated = true;
    reply = json_object_new_object();
    json_object_object_add(reply, "return", ret);
    return reply;
}

/* Checks the members of a request; NULL: an error is set. */
static const char *members(struct qmp_call *call, struct json_object *request)
{
    struct json_object *execute = NULL;

    json_object_object_foreach(request, key, val)
    {
        if (!strcmp(key, "execute")) {
            execute = val;
        } else if (!strcmp(key, "arguments")) {
            if (!json_object_is_type(val, json_type_object)) {
                err_set(&call->err, -1, "'arguments' must be an object");
                return NULL;
            }
            json_object_put(call->args);
            call->args = json_object_get(val);
        } else if (strcmp(key, "id")) {
            err_set(&call->err, -1, "a command has no member '%.80s'", key);
            return NULL;
        }
    }
    if (!execute || !json_object_is_type(execute, json_type_string) ||
        !plain(execute)) {
        err_set(&call->err, -1, "a command needs 'execute', a string");
        return NULL;
    }
    return json_object_get_string(execute);
}

/*
 * json-c reads NaN and Infinity, which are not JSON to be sent back, and takes
 * integers beyond 64 bits for the last one it can hold.
 */
static int keepable(json_object *v, int flags, json_object *parent,
                    const char *key, size_t *index, void *ctx)
{
    if (json_object_is_type(v, json_type_double) &&
        !isfinite(json_object_get_double(v)))
        return JSON_C_VISIT_RETURN_ERROR;
    if (json_object_is_type(v, json_type_int) &&
        (json_object_get_int64(v) == INT64_MIN ||
         json_object_get_uint64(v) == UINT64_MAX))
        return JSON_C_VISIT_RETURN_ERROR;
    return JSON_C_VISIT_RETURN_CONTINUE;
}

struct json_object *qmp_dispatch(struct qmp_call *call, bool *negotiated,
                                 struct json_object *request)
{
    struct json_object *reply, *id = NULL;
    bool has_id = json_object_object_get_ex(request, "id", &id);
    const char *name;

    if (id && json_c_visit(id, 0, keepable, NULL) < 0)
        return qmp_error(QMP_GENERIC, "'id' holds a number that cannot be "
                                      "sent back as it is");
    call->args = json_object_new_object();
    name = members(call, request);
    reply = name ? run(call, negotiated, name) : failed(call);
    json_object_put(call->args);
    call->args = NULL;
    if (reply && has_id)
        json_object_object_add(reply, "id", json_object_get(id));
    return reply;
}
