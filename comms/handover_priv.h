/* Frames change threads inside ZeroMQ, whose queues order memory by means that
 * ThreadSanitizer cannot see in a library that it did not build. So we say it:
 * what was written before a frame was sent is seen by who received it. (Only
 * inproc passes the very same bytes.) Nothing at all in other builds. Private.
 */
#ifndef COMMS_HANDOVER_PRIV_H
#define COMMS_HANDOVER_PRIV_H

#if defined(__SANITIZE_THREAD__)
#define COMMS_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COMMS_HAS_TSAN 1
#endif
#endif

#ifdef COMMS_HAS_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define COMMS_HAND_OVER(bytes) __tsan_release(bytes)
#define COMMS_TAKE_OVER(bytes) __tsan_acquire(bytes)
#else
#define COMMS_HAND_OVER(bytes) ((void)(bytes))
#define COMMS_TAKE_OVER(bytes) ((void)(bytes))
#endif

#endif
