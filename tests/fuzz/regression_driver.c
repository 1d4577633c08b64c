/* A plain main() in the place of libFuzzer's: runs LLVMFuzzerTestOneInput on
 * each file given, and on each file of each folder given. Fails when there is
 * nothing to run. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

enum { MAX_BYTES = 16 * 1024 * 1024 };

/* 1 if the file was run, -1 on failure. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    /* check: allow RAWALLOC: exactly as big as the input, so that a sanitizer
     * sees a read of one byte too many */
    uint8_t *room = malloc(MAX_BYTES);
    size_t n = room ? fread(room, 1, MAX_BYTES, file) : 0;
    fclose(file);
    /* check: allow RAWALLOC: see above */
    uint8_t *exact = malloc(n ? n : 1);
    int result = -1;
    if (room && exact) {
        memcpy(exact, room, n);
        LLVMFuzzerTestOneInput(exact, n);
        result = 1;
    }
    /* check: allow RAWALLOC: see above */
    free(room);
    /* check: allow RAWALLOC: see above */
    free(exact);
    return result;
}

static int run_dir(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    int n = 0;
    for (struct dirent *entry; n >= 0 && (entry = readdir(dir)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        int length = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof(name) || run_file(name) < 0)
            n = -1;
        else
            n++;
    }
    closedir(dir);
    return n;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        int ran = -1;
        if (stat(argv[i], &status) == 0)
            ran =
                S_ISDIR(status.st_mode) ? run_dir(argv[i]) : run_file(argv[i]);
        else
            fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
        if (ran < 0)
            return 1;
        n += ran;
    }
    printf("%d inputs\n", n);
    return n > 0 ? 0 : 1;
}
