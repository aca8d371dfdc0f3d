/* The floor: a minimal CONNECT proxy, whose CPU time is the part of a contender's that the kernel takes.
 *
 * One thread, one epoll, splice both ways. It only looks for the end of the request's head, dials one fixed address on
 * 127.0.0.1, and has no log and no timeouts. For the benchmark only: an end on either side ends both, and a head must
 * come in one piece.
 *
 * usage: floor LISTEN_PORT TARGET_PORT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 256, HEAD_BYTES = 4096, PIPE_BYTES = 256 * 1024, IDLE_PIPES = 64 };

struct pipe {
    int out, in;
    struct pipe *next;
};

/* One socket of a tunnel; `held` bytes that it sent wait in `pipe` for the other side. */
struct side {
    int fd;
    unsigned watched;
    size_t held;
    struct pipe *pipe;
    struct tunnel *tunnel;
};

struct tunnel {
    enum { HEAD, DIALLING, RELAYING, CLOSED } state;
    struct side client, upstream;
    struct tunnel *next_closed;
};

static int poll_fd, listen_fd;
static struct sockaddr_in target;
static struct pipe *idle_pipes;
static int idle_pipe_count;
static struct tunnel *closed;

static void fatal(const char *what) {
    perror(what);
    exit(1);
}

/* A side that cannot be used now is removed: epoll reports errors and hang-ups even for an empty event mask. */
static void watch(struct side *side, unsigned wanted) {
    if (wanted == side->watched)
        return;
    struct epoll_event event = {.events = wanted, .data.ptr = side};
    int operation = !side->watched ? EPOLL_CTL_ADD : wanted ? EPOLL_CTL_MOD : EPOLL_CTL_DEL;
    if (epoll_ctl(poll_fd, operation, side->fd, &event) < 0)
        fatal("epoll_ctl");
    side->watched = wanted;
}

static struct pipe *take_pipe(void) {
    struct pipe *taken = idle_pipes;
    if (taken) {
        idle_pipes = taken->next;
        idle_pipe_count--;
        return taken;
    }
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        fatal("pipe2");
    fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* may fail: unprivileged users have a limit */
    taken = malloc(sizeof *taken);
    *taken = (struct pipe){.out = ends[0], .in = ends[1]};
    return taken;
}

/* Only an empty pipe is reused. */
static void return_pipe(struct side *side) {
    struct pipe *pipe = side->pipe;
    side->pipe = NULL;
    if (!pipe)
        return;
    if (!side->held && idle_pipe_count < IDLE_PIPES) {
        pipe->next = idle_pipes;
        idle_pipes = pipe;
        idle_pipe_count++;
        return;
    }
    close(pipe->out);
    close(pipe->in);
    free(pipe);
}

/* Freed after the batch: a later event of the batch may still point here. */
static void end(struct tunnel *tunnel) {
    close(tunnel->client.fd);
    if (tunnel->state != HEAD)
        close(tunnel->upstream.fd);
    return_pipe(&tunnel->client);
    return_pipe(&tunnel->upstream);
    tunnel->state = CLOSED;
    tunnel->next_closed = closed;
    closed = tunnel;
}

static void answer(struct tunnel *tunnel) {
    static const char established[] = "HTTP/1.1 200 OK\r\n\r\n";
    if (send(tunnel->client.fd, established, sizeof established - 1, MSG_NOSIGNAL) < 0) {
        end(tunnel);
        return;
    }
    tunnel->state = RELAYING;
    watch(&tunnel->upstream, EPOLLIN);
    watch(&tunnel->client, EPOLLIN);
}

static void read_head(struct tunnel *tunnel) {
    static char head[HEAD_BYTES];
    ssize_t got = recv(tunnel->client.fd, head, sizeof head, 0);
    if (got < 0 && errno == EAGAIN) {
        watch(&tunnel->client, EPOLLIN);
        return;
    }
    if (got < 4 || memcmp(head + got - 4, "\r\n\r\n", 4) != 0) {
        end(tunnel);
        return;
    }
    watch(&tunnel->client, 0);
    tunnel->upstream.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    tunnel->state = DIALLING;
    if (connect(tunnel->upstream.fd, (struct sockaddr *)&target, sizeof target) == 0)
        answer(tunnel);
    else if (errno == EINPROGRESS)
        watch(&tunnel->upstream, EPOLLOUT);
    else
        end(tunnel);
}

/* Moves what `from` has sent towards the other side; one round per event, so that no tunnel starves another. */
static void relay(struct side *from) {
    struct tunnel *tunnel = from->tunnel;
    struct side *to = from == &tunnel->client ? &tunnel->upstream : &tunnel->client;
    unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    if (!from->held) {
        if (!from->pipe)
            from->pipe = take_pipe();
        ssize_t got = splice(from->fd, NULL, from->pipe->in, NULL, PIPE_BYTES, flags);
        if (got <= 0) {
            if (got == 0 || errno != EAGAIN)
                end(tunnel);
            return;
        }
        from->held = (size_t)got;
    }
    ssize_t sent = splice(from->pipe->out, NULL, to->fd, NULL, from->held, flags);
    if (sent < 0 && errno != EAGAIN) {
        end(tunnel);
        return;
    }
    from->held -= sent > 0 ? (size_t)sent : 0;
    if (from->held) {
        watch(from, from->watched & ~(unsigned)EPOLLIN);
        watch(to, to->watched | EPOLLOUT);
    } else {
        watch(from, from->watched | EPOLLIN);
        watch(to, to->watched & ~(unsigned)EPOLLOUT);
        return_pipe(from);
    }
}

static void ready(struct side *side, unsigned events) {
    struct tunnel *tunnel = side->tunnel;
    struct side *other = side == &tunnel->client ? &tunnel->upstream : &tunnel->client;
    if (tunnel->state == HEAD)
        read_head(tunnel);
    else if (tunnel->state == DIALLING)
        events & EPOLLERR ? end(tunnel) : answer(tunnel);
    else {
        if (events & EPOLLOUT && other->held)
            relay(other);
        if (tunnel->state == RELAYING && events & ~(unsigned)EPOLLOUT)
            side->held ? end(tunnel) : relay(side);
    }
}

static void accept_all(void) {
    for (int fd; (fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct tunnel *tunnel = calloc(1, sizeof *tunnel);
        tunnel->client = (struct side){.fd = fd, .tunnel = tunnel};
        tunnel->upstream.tunnel = tunnel;
        read_head(tunnel);
    }
}

static void listen_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listen_fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(listen_fd, SOMAXCONN) < 0)
        fatal("listen");
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: floor LISTEN_PORT TARGET_PORT\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    listen_on((uint16_t)atoi(words[1]));
    target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, listen_fd, &listening);
    for (;;) {
        struct epoll_event events[BATCH];
        int got = epoll_wait(poll_fd, events, BATCH, -1);
        for (int i = 0; i < got; i++) {
            struct side *side = events[i].data.ptr;
            if (!side)
                accept_all();
            else if (side->tunnel->state != CLOSED)
                ready(side, events[i].events);
        }
        while (closed) {
            struct tunnel *gone = closed;
            closed = gone->next_closed;
            free(gone);
        }
    }
}
