/* Makes a network slow, for tests: every packet of a netfilter queue is held
 * for DELAY milliseconds, more or less JITTER, and then let go, in order.
 * (Kernels without netem still have NFQUEUE.)
 *
 *     delay QUEUE DELAY_MS JITTER_MS
 *
 * Says "ready" once packets may be sent to the queue; ends by a signal. When
 * its standard input ends, so does it.
 */
#include "base/clock.h"
#include "base/parse.h"
#include "base/rng.h"

#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HELD   65536 /* a power of two: packets beyond it are dropped */
#define MAX_PACKET 65536
#define ROOM_BYTES (8 << 20) /* of the kernel's socket to us */

struct held {
    uint32_t id;
    double due_wall_s;
};

struct line {
    struct nfq_q_handle *queue;
    double delay_wall_s, jitter_wall_s;
    struct fl_rng rng;
    double last_due_wall_s;
    size_t first, n;
    struct held held[MAX_HELD];
};

static int hold(struct nfq_q_handle *queue,
                struct nfgenmsg *message,
                struct nfq_data *packet,
                void *arg)
{
    (void)message;
    struct line *line = arg;
    struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);
    if (!header)
        return 0;
    uint32_t id = ntohl(header->packet_id);
    if (line->n == MAX_HELD)
        return nfq_set_verdict(queue, id, NF_DROP, 0, NULL);
    double jitter_ratio = 2 * fl_rng_uniform(&line->rng) - 1;
    double due_wall_s = fl_clock_wall_s() + line->delay_wall_s +
                        jitter_ratio * line->jitter_wall_s;
    if (due_wall_s < line->last_due_wall_s) /* a line does not reorder */
        due_wall_s = line->last_due_wall_s;
    line->last_due_wall_s = due_wall_s;
    line->held[(line->first + line->n++) % MAX_HELD] =
        (struct held){id, due_wall_s};
    return 0;
}

/* Lets go what is due; milliseconds until the next is, -1: none is held. */
static int let_go(struct line *line)
{
    double now = fl_clock_wall_s();
    while (line->n > 0) {
        const struct held *next = &line->held[line->first];
        if (next->due_wall_s > now)
            return (int)((next->due_wall_s - now) * 1e3) + 1;
        (void)nfq_set_verdict(line->queue, next->id, NF_ACCEPT, 0, NULL);
        line->first = (line->first + 1) % MAX_HELD;
        line->n--;
    }
    return -1;
}

static int work(struct nfq_handle *handle, struct line *line)
{
    char packet[MAX_PACKET] __attribute__((aligned(8)));
    for (;;) {
        struct pollfd polled[] = {{.fd = nfq_fd(handle), .events = POLLIN},
                                  {.fd = STDIN_FILENO, .events = POLLIN}};
        (void)poll(polled, 2, let_go(line));
        if (polled[1].revents != 0)
            return 0;
        if (polled[0].revents == 0)
            continue;
        ssize_t n = recv(nfq_fd(handle), packet, sizeof packet, MSG_DONTWAIT);
        if (n > 0)
            (void)nfq_handle_packet(handle, packet, (int)n);
    }
}

int main(int argc, char **argv)
{
    static struct line line;
    int64_t queue = 0;
    double delay_ms = 0, jitter_ms = 0;
    struct fl_error err = {FL_OK, ""};
    if (argc != 4 || fl_parse_int(argv[1], 0, 65535, &queue, &err) ||
        fl_parse_double(argv[2], 0, 60000, &delay_ms, &err) ||
        fl_parse_double(argv[3], 0, 60000, &jitter_ms, &err)) {
        (void)fprintf(stderr, "usage: delay QUEUE DELAY_MS JITTER_MS: %s\n",
                      err.text);
        return 2;
    }
    line.delay_wall_s = delay_ms * 1e-3;
    line.jitter_wall_s = jitter_ms * 1e-3;
    line.rng = fl_rng_stream((uint64_t)queue, FL_RNG_TEST, 0, 0);
    struct nfq_handle *handle = nfq_open();
    line.queue =
        handle ? nfq_create_queue(handle, (uint16_t)queue, hold, &line) : NULL;
    if (!line.queue || nfq_set_mode(line.queue, NFQNL_COPY_META, 0) < 0 ||
        nfq_set_queue_maxlen(line.queue, MAX_HELD) < 0) {
        perror("delay: no netfilter queue");
        return 1;
    }
    int room = ROOM_BYTES;
    (void)setsockopt(nfq_fd(handle), SOL_SOCKET, SO_RCVBUFFORCE, &room,
                     sizeof room);
    (void)printf("ready\n");
    (void)fflush(stdout);
    return work(handle, &line);
}
