// SPDX-License-Identifier: GPL-2.0-only
/*
 * BAR 0: a loopback UART in its first eight bytes (what is sent is received, 16 bytes at most),
 * then the device's own registers. BAR 1: the MSI-X table, which is no part of the stream.
 *
 *   0x00 receive / transmit  0x01 IER  0x02 IIR / FCR  0x03 LCR  0x04 MCR  0x05 LSR  0x06 MSR  0x07 SCR
 *   0x10 DMA iova (u64)  0x18 DMA length (u64)  0x20 DMA stride (u64)  0x28 DMA interval, us (u32)
 *   0x2c DMA control (u32, bit 0 = on)  0x30 writes done (u64)  0x38 writes failed (u64)
 *   0x40 scratch (u64)
 */
#include <linux/serial_reg.h>

#include "transship.h"

#define TS_FIFO 16u
#define TS_UART_VECTOR 0u
#define TS_REG_DMA 0x10
#define TS_REG_SCRATCH 0x40

void ts_uart_reset(struct ts_uart *uart)
{
	memset(uart, 0, sizeof(*uart));
}

void ts_regs_live(struct ts_device *dev, bool live)
{
	mutex_lock(&dev->reg_lock);
	dev->regs_live = live;
	mutex_unlock(&dev->reg_lock);
}

static u8 ts_uart_status(const struct ts_uart_record *reg)
{
	u8 status = reg->count ? UART_LSR_DR : UART_LSR_TEMT | UART_LSR_THRE;

	return reg->overrun ? status | UART_LSR_OE : status;
}

static u8 ts_uart_receive(struct ts_uart_record *reg)
{
	u8 byte;

	if (!reg->count)
		return 0;
	byte = reg->fifo[reg->head];
	reg->head = (reg->head + 1) % TS_FIFO;
	reg->count--;
	return byte;
}

static u8 ts_uart_read(struct ts_device *dev, u64 offset)
{
	struct ts_uart_record *reg = &dev->uart.reg;
	bool divisor = reg->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return divisor ? reg->divisor_low : ts_uart_receive(reg);
	case UART_IER:
		return divisor ? reg->divisor_high : reg->ier & 0x0f;
	case UART_IIR:
		return 0xc0 | ((reg->ier & UART_IER_RDI) && reg->count ? UART_IIR_RDI : UART_IIR_NO_INT);
	case UART_LCR:
		return reg->lcr;
	case UART_MCR:
		return reg->mcr;
	case UART_LSR:
		return ts_uart_status(reg);
	case UART_MSR:
		return UART_MSR_DSR | UART_MSR_DCD | UART_MSR_CTS;
	default:
		return reg->scr;
	}
}

static void ts_uart_send(struct ts_device *dev, u8 byte)
{
	struct ts_uart_record *reg = &dev->uart.reg;

	if (reg->count == TS_FIFO) {
		reg->overrun = 1;
		return;
	}
	reg->overrun = 0;
	reg->fifo[(reg->head + reg->count++) % TS_FIFO] = byte;
	if (reg->ier & UART_IER_RDI)
		ts_irq_raise(dev, TS_UART_VECTOR);
}

static void ts_uart_write(struct ts_device *dev, u64 offset, u8 byte)
{
	struct ts_uart_record *reg = &dev->uart.reg;
	bool divisor = reg->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (divisor)
			reg->divisor_low = byte;
		else
			ts_uart_send(dev, byte);
		break;
	case UART_IER:
		if (divisor)
			reg->divisor_high = byte;
		else
			reg->ier = byte;
		break;
	case UART_FCR:
		reg->fcr = byte;
		if (byte & (UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT))
			reg->head = reg->count = 0;
		break;
	case UART_LCR:
		reg->lcr = byte;
		break;
	case UART_MCR:
		reg->mcr = byte;
		break;
	case UART_SCR:
		reg->scr = byte;
		break;
	default: /* line and modem status are read only */
		break;
	}
}

/* Whether the device answers; a user who comes while it is stopped or quiesced is counted. */
static bool ts_answers(struct ts_device *dev)
{
	bool live;

	mutex_lock(&dev->reg_lock);
	live = dev->regs_live;
	mutex_unlock(&dev->reg_lock);
	if (!live)
		atomic64_inc(&dev->stopped_accesses);
	else if (READ_ONCE(dev->state) & TS_NDMA)
		atomic64_inc(&dev->quiesced_accesses);
	return live;
}

static void ts_bar0(struct ts_device *dev, u8 *data, size_t count, u64 offset, bool write)
{
	u64 end = offset + count;

	if (offset >= TS_REG_DMA && end <= TS_REG_DMA + TS_DMA_REGISTERS) {
		ts_dma_registers(dev, data, count, offset - TS_REG_DMA, write);
		return;
	}
	mutex_lock(&dev->reg_lock);
	if (!dev->regs_live) { /* it stopped in between */
		if (!write)
			memset(data, 0xff, count);
	} else if (offset <= UART_SCR) {
		if (write)
			ts_uart_write(dev, offset, data[0]);
		else
			data[0] = ts_uart_read(dev, offset);
	} else if (offset >= TS_REG_SCRATCH && end <= TS_REG_SCRATCH + sizeof(u64)) {
		u8 *scratch = (u8 *)&dev->uart.scratch + (offset - TS_REG_SCRATCH);

		memcpy(write ? scratch : data, write ? data : scratch, count);
	}
	mutex_unlock(&dev->reg_lock);
}

int ts_bar_read(struct ts_device *dev, unsigned int bar, u8 *data, size_t count, u64 offset)
{
	if (offset >= TS_BAR_SIZE || count > TS_BAR_SIZE - offset)
		return -EINVAL;
	memset(data, 0, count);
	if (bar == 1) {
		mutex_lock(&dev->reg_lock);
		memcpy(data, dev->msix_table + offset, count);
		mutex_unlock(&dev->reg_lock);
	} else if (!ts_answers(dev)) {
		memset(data, 0xff, count);
	} else {
		ts_bar0(dev, data, count, offset, false);
	}
	return 0;
}

int ts_bar_write(struct ts_device *dev, unsigned int bar, const u8 *data, size_t count, u64 offset)
{
	u8 copy[sizeof(u64)];

	if (offset >= TS_BAR_SIZE || count > TS_BAR_SIZE - offset || count > sizeof(copy))
		return -EINVAL;
	memcpy(copy, data, count);
	if (bar == 1) {
		mutex_lock(&dev->reg_lock);
		memcpy(dev->msix_table + offset, copy, count);
		mutex_unlock(&dev->reg_lock);
	} else if (ts_answers(dev)) {
		ts_bar0(dev, copy, count, offset, true);
	}
	return 0;
}
