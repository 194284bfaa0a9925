/* SPDX-License-Identifier: GPL-2.0 */
/*
 * DOC: as much of the kernel as module/write.c and module/journal.c need to run in a program, where
 * ThreadSanitizer sees each access, and where a machine without hardware virtualisation has real
 * CPUs. A raw spinlock spins; interrupts and preemption are the machine's; nobody sleeps here, so an
 * irq_work is never queued. The Makefile makes each <linux/...> that they include one line that
 * includes this.
 */
#ifndef RING_KERNEL_H
#define RING_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <linux/types.h>
#include <sound/asound.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef struct { u8 b[16]; } guid_t;

/* ------------------------------------------------------------------ the language */

#define PAGE_SIZE		4096
#define GFP_KERNEL		0
#define EXPORT_SYMBOL_GPL(symbol)
#define noinline		__attribute__((noinline))
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#undef __aligned
#define __aligned(x)		__attribute__((aligned(x)))
#undef __user
#define __user
#define static_assert		_Static_assert
#define sizeof_field(type, member)	sizeof(((type *)0)->member)
#define offsetofend(type, member)	(offsetof(type, member) + sizeof_field(type, member))
#define container_of(pointer, type, member) \
	((type *)((char *)(pointer) - offsetof(type, member)))
#define ALIGN(x, to)		(((x) + (to) - 1) & ~((__typeof__(x))(to) - 1))
#define IS_ALIGNED(x, to)	(((x) & ((to) - 1)) == 0)
#define IS_ENABLED(option)	0
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define ERR_PTR(err)		((void *)(long)(err))
#define PTR_ERR(pointer)	((long)(pointer))
#define IS_ERR(pointer)		((unsigned long)(pointer) >= (unsigned long)-4095)

static inline bool is_power_of_2(unsigned long x)
{
	return x && !(x & (x - 1));
}

/* ------------------------------------------------------------------ memory order */

#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, value)	__atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, value)	__atomic_store_n(p, value, __ATOMIC_RELEASE)
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)

#ifdef __SANITIZE_THREAD__
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);

#define data_race(expression) \
	({ \
		__typeof__(expression) value_; \
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__); \
		value_ = (expression); \
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__); \
		value_; \
	})
#else
#define data_race(expression)	(expression)
#endif

typedef struct { s64 counter; } atomic64_t;

#define atomic64_read(v)		__atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic64_read_acquire(v)	__atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic64_set_release(v, x)	__atomic_store_n(&(v)->counter, x, __ATOMIC_RELEASE)
#define atomic64_inc(v)			((void)__atomic_fetch_add(&(v)->counter, 1, __ATOMIC_RELAXED))

static inline bool test_bit(int bit, const unsigned long *word)
{
	return READ_ONCE(*word) >> bit & 1;
}

/* ------------------------------------------------------------------ locks, time, work */

typedef struct { u32 locked; } raw_spinlock_t;

static inline void raw_spin_lock_init(raw_spinlock_t *lock)
{
	lock->locked = 0;
}

static inline void raw_spin_lock(raw_spinlock_t *lock)
{
	while (__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(lock->locked))
			__builtin_ia32_pause();
}

static inline bool raw_spin_trylock(raw_spinlock_t *lock)
{
	return !READ_ONCE(lock->locked) && !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

static inline void raw_spin_unlock(raw_spinlock_t *lock)
{
	smp_store_release(&lock->locked, 0);
}

#define raw_spin_lock_irqsave(lock, flags)	((flags) = 0, raw_spin_lock(lock))
#define raw_spin_trylock_irqsave(lock, flags)	((flags) = 0, raw_spin_trylock(lock))
#define raw_spin_unlock_irqrestore(lock, flags)	((void)(flags), raw_spin_unlock(lock))
#define lockdep_assert_held(lock)
#define __acquires(lock)
#define irqs_disabled()		false
#define preempt_disable()
#define preempt_enable()

struct mutex { int unused; };
struct lock_class_key { };

struct rw_semaphore { int unused; };

struct timer_list { int unused; };
struct rcu_head { int unused; };
struct ida { int unused; };
struct irq_work { int unused; };
#define init_irq_work(work, function)	((void)(function))
#define irq_work_queue(work)		((void)(work))
#define irq_work_sync(work)		((void)(work))
#define rcu_read_lock()
#define rcu_read_unlock()
#define synchronize_rcu()
#define schedule_timeout_uninterruptible(ticks)	((void)(ticks))

typedef struct { int unused; } wait_queue_head_t;
#define wake_up_interruptible_poll(wait, events)	((void)(wait))

static inline u64 ktime_get_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline void udelay(unsigned int us)
{
	u64 end = ktime_get_ns() + us * 1000;

	while (ktime_get_ns() < end)
		__builtin_ia32_pause();
}

#define TP_PROTO(...)			__VA_ARGS__
#define TRACE_EVENT(name, proto, ...) \
	static inline void trace_##name(proto) { } \
	static inline bool trace_##name##_enabled(void) { return false; }

/* ------------------------------------------------------------------ memory, references */

#define kzalloc(size, gfp)	calloc(1, size)
#define kfree(pointer)		free(pointer)
#define vfree(pointer)		free(pointer)
#define get_random_bytes(to, size)	((void)!getrandom(to, size, 0))

static inline void *vmalloc_user(size_t size)
{
	void *memory = aligned_alloc(PAGE_SIZE, size);

	return memory ? memset(memory, 0, size) : NULL;
}

struct vm_area_struct { unsigned long vm_pgoff; };
#define remap_vmalloc_range(vma, memory, offset)	((void)(vma), -EINVAL)

struct kref { int count; };

static inline void kref_init(struct kref *kref)
{
	kref->count = 1;
}

static inline void kref_get(struct kref *kref)
{
	__atomic_fetch_add(&kref->count, 1, __ATOMIC_RELAXED);
}

static inline void kref_put(struct kref *kref, void (*release)(struct kref *kref))
{
	if (__atomic_fetch_sub(&kref->count, 1, __ATOMIC_ACQ_REL) == 1)
		release(kref);
}

/* ------------------------------------------------------------------ lists */

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_head {
	void *first;
};

#define DECLARE_HASHTABLE(name, bits)	struct hlist_head name[1 << (bits)]
#define LIST_HEAD(name)			struct list_head name = { &name, &name }
#define list_entry(pointer, type, member)	container_of(pointer, type, member)
#define list_first_entry(list, type, member)	list_entry((list)->next, type, member)
#define list_for_each_entry_safe(at, after, list, member) \
	for (at = list_first_entry(list, __typeof__(*at), member), \
	     after = list_first_entry(&at->member, __typeof__(*at), member); \
	     &at->member != (list); \
	     at = after, after = list_first_entry(&at->member, __typeof__(*at), member))

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list->prev = list;
}

static inline bool list_empty(const struct list_head *list)
{
	return READ_ONCE(list->next) == list;
}

static inline bool list_is_last(const struct list_head *entry, const struct list_head *list)
{
	return entry->next == list;
}

static inline void list_add_tail(struct list_head *entry, struct list_head *list)
{
	entry->prev = list->prev;
	entry->next = list;
	list->prev->next = entry;
	WRITE_ONCE(list->prev, entry);
}

static inline void list_del_init(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
	INIT_LIST_HEAD(entry);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *list)
{
	list_del_init(entry);
	list_add_tail(entry, list);
}

/* All of @from before what is in @to. */
static inline void list_splice(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	to->next = from->next;
}

static inline void list_splice_init(struct list_head *from, struct list_head *to)
{
	list_splice(from, to);
	INIT_LIST_HEAD(from);
}

#endif
