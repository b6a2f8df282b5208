#include "s3_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

enum { KEY_FILE_MAXIMUM = 1 << 20 };

/* Forget a secret. */
static void forget(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* Forget the keys. */
void s3_keys_free(S3Keys *keys) {
    forget(keys->id);
    forget(keys->secret);
    forget(keys->token);
    free(keys->file);
    *keys = (S3Keys){0};
}

/* A variable of the environment that is not empty. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Take the white space off both ends, in place. */
static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* Does a line begin the section of a profile? */
static bool begins_section(const char *line, const char *profile) {
    size_t length = strlen(profile);
    if (*line++ != '[')
        return false;
    if (strncmp(line, "profile ", 8) == 0)
        line += 8;
    return strncmp(line, profile, length) == 0 && line[length] == ']';
}

/* Take one line "name = value" of a section. */
static void take_line(S3Keys *keys, char *line) {
    char *value = strchr(line, '=');
    if (!value)
        return;
    *value++ = '\0';
    const char *name = trim(line);
    char **slot = strcmp(name, "aws_access_key_id") == 0       ? &keys->id
                  : strcmp(name, "aws_secret_access_key") == 0 ? &keys->secret
                  : strcmp(name, "aws_session_token") == 0     ? &keys->token
                                                               : NULL;
    value = trim(value);
    if (!slot || !*value)
        return;
    forget(*slot);
    *slot = mem_strdup(value);
}

/* Read the profile's section of a credentials file. */
static bool read_file(S3Keys *keys, const char *path, char **error) {
    const char *profile = variable("AWS_PROFILE");
    bool inside = false, found = false;
    Buf buf;
    if (!profile)
        profile = "default";
    buf_init(&buf, KEY_FILE_MAXIMUM);
    if (!buf_read_file(&buf, path, error)) {
        buf_free(&buf);
        return false;
    }
    char *text = buf_take(&buf, NULL), *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line = trim(line);
        if (*line == '[')
            found = (inside = begins_section(line, profile)) || found;
        else if (inside && *line != '#' && *line != ';')
            take_line(keys, line);
    }
    forget(text);
    if (!keys->id || !keys->secret)
        *error = mem_printf(
            "\"%s\" has no %s", path,
            found ? "aws_access_key_id and aws_secret_access_key in its profile"
                  : "section for the profile; AWS_PROFILE names it, else it is [default]");
    return keys->id && keys->secret;
}

/* Where the AWS command line keeps its keys; the caller's. */
static char *shared_file(void) {
    const char *named = variable("AWS_SHARED_CREDENTIALS_FILE"), *home = variable("HOME");
    return named ? mem_strdup(named) : mem_printf("%s/.aws/credentials", home ? home : ".");
}

/* Take the keys of the environment. */
static bool take_variables(S3Keys *keys, char **error) {
    const char *secret = variable("AWS_SECRET_ACCESS_KEY");
    if (!secret) {
        *error = mem_strdup("AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not");
        return false;
    }
    keys->id = mem_strdup(variable("AWS_ACCESS_KEY_ID"));
    keys->secret = mem_strdup(secret);
    keys->token = mem_strdup(variable("AWS_SESSION_TOKEN"));
    keys->from = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    return true;
}

/* Can a header hold all of the keys? */
static bool are_clean(const S3Keys *keys, char **error) {
    const char *const texts[] = {keys->id, keys->secret, keys->token};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (const char *at = texts[i]; at && *at; at++)
            if (*at <= ' ' || *at >= 0x7F) {
                *error = mem_printf("the access keys in %s have characters that no key has",
                                    keys->file ? keys->file : keys->from);
                return false;
            }
    return true;
}

/* Find the keys. */
bool s3_keys_find(S3Keys *keys, const char *file, char **error) {
    *keys = (S3Keys){0};
    bool found;
    char *shared = shared_file();
    if (!file && variable("AWS_ACCESS_KEY_ID")) {
        found = take_variables(keys, error);
    } else if (file || access(shared, F_OK) == 0) {
        keys->file = mem_strdup(file ? file : shared);
        keys->from = "the key file";
        found = read_file(keys, keys->file, error);
    } else {
        found = false;
        *error = mem_strdup("no access keys for the bucket: set AWS_ACCESS_KEY_ID and "
                            "AWS_SECRET_ACCESS_KEY, or name a file with --storage-key-file");
    }
    free(shared);
    found = found && are_clean(keys, error);
    if (!found)
        s3_keys_free(keys);
    return found;
}

/* Read the file again. */
bool s3_keys_reload(S3Keys *keys) {
    S3Keys now = {.from = keys->from};
    char *error = NULL;
    bool other = keys->file && read_file(&now, keys->file, &error) && are_clean(&now, &error) &&
                 (strcmp(now.id, keys->id) != 0 || strcmp(now.secret, keys->secret) != 0 ||
                  strcmp(now.token ? now.token : "", keys->token ? keys->token : "") != 0);
    free(error);
    if (!other) {
        s3_keys_free(&now);
        return false;
    }
    now.file = mem_strdup(keys->file);
    s3_keys_free(keys);
    *keys = now;
    return true;
}
