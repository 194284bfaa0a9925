// SPDX-License-Identifier: GPL-2.0
/*
 * DOC: may the kernel load the module? One that demands signatures takes those of keys that it
 * has: its own, and those that the machine's owner enrolled (MOK). A signature names its key by the
 * serial number of the key's certificate; that is looked for, not verified. Nothing here needs
 * rights, and nothing is tried.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define EFI_VARIABLES	"/sys/firmware/efi/efivars"

enum signature {
	SIGNATURE_NONE,
	SIGNATURE_ENROLLED,		/* by a key that is enrolled */
	SIGNATURE_FOREIGN,		/* by another one: perhaps the kernel's own */
	SIGNATURE_UNSEEN,		/* the file is compressed, or cannot be read */
	SIGNATURE_KEYS_UNSEEN,		/* there is one, but which keys are enrolled is not known */
};

struct bytes {
	const uint8_t *data;
	size_t size;
};

/* ---- What is demanded ---- */

static bool demands_signatures(const struct doctor *doctor)
{
	char text[8];

	return doctor_read(doctor_path(doctor, "/sys/module/module/parameters/sig_enforce").text,
			   text, sizeof(text)) > 0 && text[0] == 'Y';
}

/* The last byte of the variable, behind four with its attributes. */
static bool is_secure_boot(const struct doctor *doctor)
{
	static const char name[] = EFI_VARIABLES "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	uint8_t value[8];

	return doctor_read(doctor_path(doctor, "%s", name).text, value, sizeof(value)) == 5 &&
	       value[4] == 1;
}

/* "none [integrity] confidentiality": what stands in brackets. */
static ssize_t read_lockdown(const struct doctor *doctor, char *level, size_t size)
{
	char text[64], *begin;
	ssize_t r = doctor_read(doctor_path(doctor, "/sys/kernel/security/lockdown").text, text,
				sizeof(text));

	if (r < 0)
		return r;
	begin = strchr(text, '[');
	snprintf(level, size, "%s", begin ? begin + 1 : "none");
	level[strcspn(level, "]\n")] = 0;
	return 0;
}

static bool is_locked_down(const struct doctor *doctor)
{
	char level[32];

	return read_lockdown(doctor, level, sizeof(level)) >= 0 && strcmp(level, "none") != 0;
}

/* ---- Certificates ---- */

/* An element of DER at the beginning: its contents. Takes it off the bytes. */
static bool take_element(struct bytes *bytes, uint8_t type, struct bytes *contents)
{
	size_t length, head = 2;

	if (bytes->size < head || bytes->data[0] != type)
		return false;
	length = bytes->data[1];
	if (length >= 0x80) {
		size_t more = length & 0x7f;

		if (more > 3 || bytes->size < head + more)
			return false;
		for (length = 0; head < 2 + more; head++)
			length = length << 8 | bytes->data[head];
	}
	if (bytes->size - head < length)
		return false;
	*contents = (struct bytes) { bytes->data + head, length };
	*bytes = (struct bytes) { bytes->data + head + length, bytes->size - head - length };
	return true;
}

/* Certificate { TBSCertificate { [0] version, INTEGER serialNumber, ... } }: the whole INTEGER. */
static bool find_serial(struct bytes certificate, struct bytes *serial)
{
	struct bytes outside, inside, version, number, before;

	if (!take_element(&certificate, 0x30, &outside) || !take_element(&outside, 0x30, &inside))
		return false;
	take_element(&inside, 0xa0, &version);
	before = inside;
	if (!take_element(&inside, 0x02, &number))
		return false;
	*serial = (struct bytes) { before.data, before.size - inside.size };
	return true;
}

static bool names_certificate(struct bytes signature, struct bytes certificate)
{
	struct bytes serial;

	return find_serial(certificate, &serial) &&
	       memmem(signature.data, signature.size, serial.data, serial.size);
}

/* A list of certificates as UEFI keeps them: EFI_SIGNATURE_LIST, one behind the other. */
static bool is_in_lists(struct bytes signature, struct bytes lists)
{
	const size_t head = 28, owner = 16;

	while (lists.size > head) {
		uint32_t sizes[3];	/* of the list, of a header, of each of its signatures */

		memcpy(sizes, lists.data + 16, sizeof(sizes));
		for (int i = 0; i < 3; i++)
			sizes[i] = le32toh(sizes[i]);
		if (sizes[0] > lists.size || sizes[2] <= owner || sizes[1] > sizes[0] - head ||
		    sizes[0] < head)
			return false;
		for (size_t at = head + sizes[1]; at + sizes[2] <= sizes[0]; at += sizes[2])
			if (names_certificate(signature, (struct bytes) {
					lists.data + at + owner, sizes[2] - owner }))
				return true;
		lists = (struct bytes) { lists.data + sizes[0], lists.size - sizes[0] };
	}
	return false;
}

/* ---- The module's signature ---- */

/* It ends with struct module_signature, whose last member is a size, and this text. */
static bool find_signature(struct bytes module, struct bytes *signature)
{
	static const char end[] = "~Module signature appended~\n";
	const size_t length = sizeof(end) - 1, info = 12;
	uint32_t size;

	if (module.size < length + info ||
	    memcmp(module.data + module.size - length, end, length) != 0)
		return false;
	module.size -= length;
	memcpy(&size, module.data + module.size - sizeof(size), sizeof(size));
	module.size -= info;
	size = be32toh(size);
	if (size > module.size)
		return false;
	*signature = (struct bytes) { module.data + module.size - size, size };
	return true;
}

static enum signature look_for_key_in(const char *path, struct bytes signature)
{
	_cleanup_(cleanup_memory) uint8_t *variable = NULL;
	size_t size;

	variable = doctor_read_all(path, &size);
	if (!variable || size < 4)
		return SIGNATURE_KEYS_UNSEEN;
	return is_in_lists(signature, (struct bytes) { variable + 4, size - 4 }) ?
	       SIGNATURE_ENROLLED : SIGNATURE_FOREIGN;
}

/* The keys that the machine's owner enrolled, and those of the firmware. */
static enum signature look_for_key(const struct doctor *doctor, struct bytes signature)
{
	static const char *const names[] = {
		EFI_VARIABLES "/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23",
		EFI_VARIABLES "/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f",
	};
	enum signature result = SIGNATURE_KEYS_UNSEEN;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum signature here = look_for_key_in(doctor_path(doctor, "%s", names[i]).text,
						      signature);

		if (here != SIGNATURE_KEYS_UNSEEN)
			result = here;
		if (here == SIGNATURE_ENROLLED)
			break;
	}
	return result;
}

static enum signature look_at_signature(const struct doctor *doctor)
{
	size_t length = strlen(doctor->module.text), size;
	_cleanup_(cleanup_memory) uint8_t *module = NULL;
	struct bytes signature;

	module = doctor_read_all(doctor->module.text, &size);
	if (!module || length < 3 || strcmp(doctor->module.text + length - 3, ".ko") != 0)
		return SIGNATURE_UNSEEN;
	if (!find_signature((struct bytes) { module, size }, &signature))
		return SIGNATURE_NONE;
	return look_for_key(doctor, signature);
}

/* ---- What mends it ---- */

struct key {
	const char *private;
	const char *certificate;
};

/* Where Debian's dkms, Ubuntu's shim and Fedora's akmods keep the machine's own. */
static struct key find_key(const struct doctor *doctor)
{
	static const struct key keys[] = {
		{ "/var/lib/dkms/mok.key", "/var/lib/dkms/mok.pub" },
		{ "/var/lib/shim-signed/mok/MOK.priv", "/var/lib/shim-signed/mok/MOK.der" },
		{ "/etc/pki/akmods/private/private_key.priv",
		  "/etc/pki/akmods/certs/public_key.der" },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (doctor_has(doctor, keys[i].certificate))
			return keys[i];
	return (struct key) { NULL, NULL };
}

/* Both modules are refused alike. */
static void mend_unsigned(const struct doctor *doctor, struct finding *finding)
{
	static const char make_key[] =
		"openssl req -new -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=modules "
		"-keyout MOK.priv -outform DER -out MOK.der && ";
	struct key key = find_key(doctor);
	bool is_new = !key.certificate;

	if (is_new)
		key = (struct key) { "MOK.priv", "MOK.der" };
	mend(finding, "%sfor module in %s %s; do sudo /lib/modules/%s/build/scripts/sign-file "
	     "sha256 %s %s $module; done%s%s", is_new ? make_key : "", doctor->module.text,
	     doctor->virtual_module.text, doctor->release, key.private, key.certificate,
	     is_new ? " && sudo mokutil --import " : "", is_new ? key.certificate : "");
}

static void mend_enrolment(const struct doctor *doctor, struct finding *finding)
{
	const char *certificate = find_key(doctor).certificate;

	mend(finding, "sudo mokutil --import %s    # then restart, and choose \"Enroll MOK\"",
	     certificate ? certificate : "MOK.der");
}

/* ---- The checks ---- */

static void describe_signature(const struct doctor *doctor, const char *reason,
			       struct finding *finding)
{
	const char *module = doctor->module.text;

	switch (look_at_signature(doctor)) {
	case SIGNATURE_NONE:
		find(finding, VERDICT_PROBLEM, "%s, and %s has no signature: it will be refused "
		     "(\"Key was rejected by service\")", reason, module);
		mend_unsigned(doctor, finding);
		break;
	case SIGNATURE_FOREIGN:
		find(finding, VERDICT_PROBLEM, "%s, and %s is signed with a key that is not "
		     "enrolled: it will be refused (\"Key was rejected by service\")", reason,
		     module);
		mend_enrolment(doctor, finding);
		break;
	case SIGNATURE_ENROLLED:
		find(finding, VERDICT_OK, "%s, and the module is signed with an enrolled key",
		     reason);
		break;
	case SIGNATURE_KEYS_UNSEEN:
		find(finding, VERDICT_UNKNOWN, "%s, and the module is signed, but which keys are "
		     "enrolled cannot be seen here", reason);
		mend(finding, "sudo mokutil --list-enrolled");
		break;
	case SIGNATURE_UNSEEN:
		find(finding, VERDICT_UNKNOWN, "%s, and the signature of %s cannot be seen here",
		     reason, module);
		mend(finding, "modinfo -F signer snd-audio-module");
		break;
	}
}

void check_signature(struct doctor *doctor, struct finding *finding)
{
	const char *reason = is_secure_boot(doctor) ? "Secure Boot is on" :
			     demands_signatures(doctor) ? "the kernel demands signatures" :
			     is_locked_down(doctor) ? "the kernel is locked down" : NULL;

	if (doctor->is_loaded)
		find(finding, VERDICT_OK, "the kernel has taken the module");
	else if (!reason)
		find(finding, VERDICT_OK, "none is demanded");
	else if (!doctor->module.text[0] || doctor->is_refusing)
		find(finding, VERDICT_UNKNOWN, "%s; there is no module to look at", reason);
	else
		describe_signature(doctor, reason, finding);
}

/* Nobody knows, but where the folder has other files, the kernel has no such thing. */
static void look_at_no_lockdown(const struct doctor *doctor, int error, struct finding *finding)
{
	if (doctor_has(doctor, "/sys/kernel/security/lsm")) {
		find(finding, VERDICT_OK, "the kernel knows no lockdown");
	} else if (doctor->is_loaded) {
		find(finding, VERDICT_OK, "the kernel has taken the module");
	} else {
		find(finding, VERDICT_UNKNOWN, "/sys/kernel/security/lockdown cannot be read: %s",
		     strerror(error));
		mend(finding, "sudo mount -t securityfs securityfs /sys/kernel/security");
	}
}

/* What is signed, and by whom, is said by the check of signatures. */
void check_lockdown(struct doctor *doctor, struct finding *finding)
{
	char level[32] = "";
	ssize_t r = read_lockdown(doctor, level, sizeof(level));

	if (r < 0)
		look_at_no_lockdown(doctor, (int)-r, finding);
	else if (strcmp(level, "none") == 0)
		find(finding, VERDICT_OK, "the kernel is not locked down");
	else if (doctor->is_loaded)
		find(finding, VERDICT_OK, "the kernel is locked down (%s), but it has taken the "
		     "module", level);
	else
		find(finding, VERDICT_NOTE, "the kernel is locked down (%s): it takes only modules "
		     "that are signed with a key that it knows; see signature", level);
}
