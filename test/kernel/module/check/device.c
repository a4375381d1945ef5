// SPDX-License-Identifier: GPL-2.0-only
/* Access to one device: VFIO's group interface, the registers of the migration region, attributes in /sys. */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <time.h>

#include "check.h"

#define CAP_NDMA 6
#define ATTEMPT(call)                                                                                        \
	({                                                                                                   \
		__typeof__(call) result_ = (call);                                                           \
		if (result_ < 0) {                                                                           \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, strerror(errno));               \
			exit(2);                                                                             \
		}                                                                                            \
		result_;                                                                                     \
	})

static int container = -1;

void sleep_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void path_of(const struct device *device, const char *name, char *path, size_t size)
{
	snprintf(path, size, "/sys/bus/mdev/devices/%s/%s", device->uuid, name);
}

static int attribute_open(const struct device *device, const char *name, int flags)
{
	char path[256], inner[64];

	snprintf(inner, sizeof(inner), "transship/%s", name);
	path_of(device, inner, path, sizeof(path));
	return ATTEMPT(open(path, flags));
}

void attribute_set(const struct device *device, const char *name, const char *value)
{
	int fd = attribute_open(device, name, O_WRONLY);

	if (write(fd, value, strlen(value)) < 0) {
		printf("%s = %s: %s\n", name, value, strerror(errno));
		exit(2);
	}
	close(fd);
}

/* An attribute that answers with an error reads as the empty string. */
void attribute_get(const struct device *device, const char *name, char *buffer, size_t size)
{
	int fd = attribute_open(device, name, O_RDONLY);
	ssize_t got = read(fd, buffer, size - 1);

	buffer[got > 0 ? got : 0] = 0;
	close(fd);
}

long counter(const struct device *device, const char *name)
{
	char text[4096], *line, *rest = text;
	size_t length = strlen(name);

	attribute_get(device, "counters", text, sizeof(text));
	while ((line = strsep(&rest, "\n")))
		if (!strncmp(line, name, length) && line[length] == ' ')
			return atol(line + length + 1);
	return -1;
}

/* Whether the counter exceeds `value` within five seconds. */
bool counter_exceeds(const struct device *device, const char *name, long value)
{
	double end = seconds() + 5;

	while (counter(device, name) <= value && seconds() < end)
		sleep_ms(5);
	return counter(device, name) > value;
}

/* Looks at one region; remembers it if it is the migration region. */
static void region_look(struct device *device, uint32_t index)
{
	uint64_t store[512];
	struct vfio_region_info *info = (struct vfio_region_info *)store;
	struct vfio_info_cap_header *cap;
	uint64_t map_offset = 0, map_size = 0;
	bool migration = false, ndma = false;
	uint32_t at;

	memset(store, 0, sizeof(store));
	info->argsz = sizeof(store);
	info->index = index;
	ATTEMPT(ioctl(device->fd, VFIO_DEVICE_GET_REGION_INFO, info));
	for (at = info->cap_offset; at; at = cap->next) {
		cap = (struct vfio_info_cap_header *)((uint8_t *)store + at);
		if (cap->id == VFIO_REGION_INFO_CAP_TYPE) {
			struct vfio_region_info_cap_type *type = (void *)cap;

			migration = type->type == 3 && type->subtype == 1;
		} else if (cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP) {
			struct vfio_region_info_cap_sparse_mmap *sparse = (void *)cap;

			map_offset = sparse->areas[0].offset;
			map_size = sparse->areas[0].size;
		} else if (cap->id == CAP_NDMA) {
			ndma = true;
		}
	}
	if (!migration)
		return;
	device->index = index;
	device->region = info->offset;
	device->region_size = info->size;
	device->ndma = ndma;
	device->map_offset = map_offset;
	device->map_size = map_size;
}

void device_open(struct device *device)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	char path[256], link[256];
	uint32_t index;

	path_of(device, "iommu_group", path, sizeof(path));
	link[ATTEMPT(readlink(path, link, sizeof(link) - 1))] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	device->group = ATTEMPT(open(path, O_RDWR | O_CLOEXEC));
	if (container < 0)
		container = ATTEMPT(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	ATTEMPT(ioctl(device->group, VFIO_GROUP_SET_CONTAINER, &container));
	ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU); /* fails when the other device has done it */
	device->fd = ATTEMPT(ioctl(device->group, VFIO_GROUP_GET_DEVICE_FD, device->uuid));
	ATTEMPT(ioctl(device->fd, VFIO_DEVICE_GET_INFO, &info));
	device->region = device->region_size = 0;
	for (index = VFIO_PCI_NUM_REGIONS; index < info.num_regions; index++)
		region_look(device, index);
}

void device_close(struct device *device)
{
	close(device->fd);
	ioctl(device->group, VFIO_GROUP_UNSET_CONTAINER);
	close(device->group);
}

/* A descriptor, not blocking, that counts interrupts of an MSI-X vector. */
int interrupt_open(const struct device *device, unsigned int vector)
{
	uint64_t store[8] = {0};
	struct vfio_irq_set *set = (struct vfio_irq_set *)store;
	int fd = ATTEMPT(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));

	set->argsz = sizeof(*set) + sizeof(fd);
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->start = vector;
	set->count = 1;
	memcpy(set->data, &fd, sizeof(fd));
	ATTEMPT(ioctl(device->fd, VFIO_DEVICE_SET_IRQS, set));
	return fd;
}

void device_reset(const struct device *device)
{
	ATTEMPT(ioctl(device->fd, VFIO_DEVICE_RESET));
}

uint32_t state_get(const struct device *device)
{
	uint32_t value;

	ATTEMPT(pread(device->fd, &value, sizeof(value), (off_t)device->region + REG_STATE));
	return value;
}

int state_set(const struct device *device, uint32_t value)
{
	return pwrite(device->fd, &value, sizeof(value), (off_t)device->region + REG_STATE) < 0 ? errno : 0;
}

/* The value, or UNDEFINED - 1 with errno set when the access fails. */
uint64_t field_get(const struct device *device, unsigned int field)
{
	uint64_t value;

	errno = 0;
	if (pread(device->fd, &value, sizeof(value), (off_t)(device->region + field)) != sizeof(value))
		return UNDEFINED - 1;
	return value;
}
