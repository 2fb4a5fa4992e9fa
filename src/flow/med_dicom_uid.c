/* SOP classes by their UIDs: the common ones of PS3.4 annex B and PS3.6 annex A, names
 * shortened where they would not fit a fact. Thread: any. */
#include "med_dicom.h"

#define ROOT "1.2.840.10008."

/* All UIDs begin with ROOT; the rest, sorted as text. */
static const struct sop {
	const char *uid, *name;
} sops[] = {
	{ "1.1", "Verification" },
	{ "1.20.1", "Storage Commitment Push" },
	{ "1.3.10", "Media Storage Directory" },
	{ "3.1.2.3.3", "Performed Procedure Step" },
	{ "3.1.2.3.4", "Performed Procedure Step Retrieve" },
	{ "3.1.2.3.5", "Performed Procedure Step Notification" },
	{ "5.1.1.1", "Basic Film Session" },
	{ "5.1.1.14", "Print Job" },
	{ "5.1.1.16", "Printer" },
	{ "5.1.1.18", "Basic Color Print Management" },
	{ "5.1.1.2", "Basic Film Box" },
	{ "5.1.1.23", "Presentation LUT" },
	{ "5.1.1.27", "Stored Print" },
	{ "5.1.1.29", "Hardcopy Grayscale Image Storage" },
	{ "5.1.1.30", "Hardcopy Color Image Storage" },
	{ "5.1.1.9", "Basic Grayscale Print Management" },
	{ "5.1.4.1.1.1", "Computed Radiography Image Storage" },
	{ "5.1.4.1.1.1.1", "Digital X-Ray Image Storage - For Presentation" },
	{ "5.1.4.1.1.1.1.1", "Digital X-Ray Image Storage - For Processing" },
	{ "5.1.4.1.1.1.2", "Digital Mammography Storage - For Presentation" },
	{ "5.1.4.1.1.1.2.1", "Digital Mammography Storage - For Processing" },
	{ "5.1.4.1.1.1.3", "Digital Intra-Oral X-Ray - For Presentation" },
	{ "5.1.4.1.1.1.3.1", "Digital Intra-Oral X-Ray - For Processing" },
	{ "5.1.4.1.1.104.1", "Encapsulated PDF Storage" },
	{ "5.1.4.1.1.104.2", "Encapsulated CDA Storage" },
	{ "5.1.4.1.1.11.1", "Grayscale Presentation State Storage" },
	{ "5.1.4.1.1.11.2", "Color Presentation State Storage" },
	{ "5.1.4.1.1.12.1", "X-Ray Angiographic Image Storage" },
	{ "5.1.4.1.1.12.1.1", "Enhanced XA Image Storage" },
	{ "5.1.4.1.1.12.2", "X-Ray Radiofluoroscopic Image Storage" },
	{ "5.1.4.1.1.12.2.1", "Enhanced XRF Image Storage" },
	{ "5.1.4.1.1.128", "PET Image Storage" },
	{ "5.1.4.1.1.13.1.1", "X-Ray 3D Angiographic Image Storage" },
	{ "5.1.4.1.1.13.1.3", "Breast Tomosynthesis Image Storage" },
	{ "5.1.4.1.1.130", "Enhanced PET Image Storage" },
	{ "5.1.4.1.1.2", "CT Image Storage" },
	{ "5.1.4.1.1.2.1", "Enhanced CT Image Storage" },
	{ "5.1.4.1.1.20", "Nuclear Medicine Image Storage" },
	{ "5.1.4.1.1.3.1", "Ultrasound Multi-frame Image Storage" },
	{ "5.1.4.1.1.4", "MR Image Storage" },
	{ "5.1.4.1.1.4.1", "Enhanced MR Image Storage" },
	{ "5.1.4.1.1.4.2", "MR Spectroscopy Storage" },
	{ "5.1.4.1.1.481.1", "RT Image Storage" },
	{ "5.1.4.1.1.481.2", "RT Dose Storage" },
	{ "5.1.4.1.1.481.3", "RT Structure Set Storage" },
	{ "5.1.4.1.1.481.4", "RT Beams Treatment Record Storage" },
	{ "5.1.4.1.1.481.5", "RT Plan Storage" },
	{ "5.1.4.1.1.481.8", "RT Ion Plan Storage" },
	{ "5.1.4.1.1.6.1", "Ultrasound Image Storage" },
	{ "5.1.4.1.1.6.2", "Enhanced US Volume Storage" },
	{ "5.1.4.1.1.66", "Raw Data Storage" },
	{ "5.1.4.1.1.66.1", "Spatial Registration Storage" },
	{ "5.1.4.1.1.66.4", "Segmentation Storage" },
	{ "5.1.4.1.1.7", "Secondary Capture Image Storage" },
	{ "5.1.4.1.1.7.1", "Multi-frame Single Bit Secondary Capture" },
	{ "5.1.4.1.1.7.2", "Multi-frame Grayscale Byte Secondary Capture" },
	{ "5.1.4.1.1.7.3", "Multi-frame Grayscale Word Secondary Capture" },
	{ "5.1.4.1.1.7.4", "Multi-frame True Color Secondary Capture" },
	{ "5.1.4.1.1.77.1.1", "VL Endoscopic Image Storage" },
	{ "5.1.4.1.1.77.1.1.1", "Video Endoscopic Image Storage" },
	{ "5.1.4.1.1.77.1.2", "VL Microscopic Image Storage" },
	{ "5.1.4.1.1.77.1.2.1", "Video Microscopic Image Storage" },
	{ "5.1.4.1.1.77.1.3", "VL Slide-Coordinates Microscopic Storage" },
	{ "5.1.4.1.1.77.1.4", "VL Photographic Image Storage" },
	{ "5.1.4.1.1.77.1.4.1", "Video Photographic Image Storage" },
	{ "5.1.4.1.1.77.1.5.1", "Ophthalmic Photography 8 Bit Storage" },
	{ "5.1.4.1.1.77.1.5.2", "Ophthalmic Photography 16 Bit Storage" },
	{ "5.1.4.1.1.77.1.5.4", "Ophthalmic Tomography Image Storage" },
	{ "5.1.4.1.1.77.1.6", "VL Whole Slide Microscopy Storage" },
	{ "5.1.4.1.1.88.11", "Basic Text SR Storage" },
	{ "5.1.4.1.1.88.22", "Enhanced SR Storage" },
	{ "5.1.4.1.1.88.33", "Comprehensive SR Storage" },
	{ "5.1.4.1.1.88.40", "Procedure Log Storage" },
	{ "5.1.4.1.1.88.50", "Mammography CAD SR Storage" },
	{ "5.1.4.1.1.88.59", "Key Object Selection Storage" },
	{ "5.1.4.1.1.88.65", "Chest CAD SR Storage" },
	{ "5.1.4.1.1.88.67", "X-Ray Radiation Dose SR Storage" },
	{ "5.1.4.1.1.9.1.1", "12-lead ECG Waveform Storage" },
	{ "5.1.4.1.1.9.1.2", "General ECG Waveform Storage" },
	{ "5.1.4.1.1.9.1.3", "Ambulatory ECG Waveform Storage" },
	{ "5.1.4.1.1.9.2.1", "Hemodynamic Waveform Storage" },
	{ "5.1.4.1.1.9.3.1", "Cardiac Electrophysiology Waveform Storage" },
	{ "5.1.4.1.2.1.1", "Patient Root FIND" },
	{ "5.1.4.1.2.1.2", "Patient Root MOVE" },
	{ "5.1.4.1.2.1.3", "Patient Root GET" },
	{ "5.1.4.1.2.2.1", "Study Root FIND" },
	{ "5.1.4.1.2.2.2", "Study Root MOVE" },
	{ "5.1.4.1.2.2.3", "Study Root GET" },
	{ "5.1.4.1.2.3.1", "Patient/Study Only FIND" },
	{ "5.1.4.1.2.3.2", "Patient/Study Only MOVE" },
	{ "5.1.4.1.2.3.3", "Patient/Study Only GET" },
	{ "5.1.4.31", "Modality Worklist FIND" },
	{ "5.1.4.33", "Instance Availability Notification" },
};

static_assert(ARRAY_LEN(sops) < UINT8_MAX, "rows are kept in a byte");

/* As strcmp, for n bytes without a NUL. */
static int compare(const uint8_t *p, size_t n, const char *c)
{
	size_t len = strlen(c);
	int order = memcmp(p, c, n < len ? n : len);
	return order ? order : (n > len) - (n < len);
}

unsigned dicom_sop_find(const uint8_t *uid, size_t n)
{
	size_t root = strlen(ROOT);
	if (n <= root || memcmp(uid, ROOT, root) != 0)
		return 0;
	unsigned from = 0, to = ARRAY_LEN(sops);
	while (from < to) {
		unsigned mid = (from + to) / 2;
		int order = compare(uid + root, n - root, sops[mid].uid);
		if (order == 0)
			return mid + 1;
		if (order < 0)
			to = mid;
		else
			from = mid + 1;
	}
	return 0;
}

const char *dicom_sop_name(unsigned row)
{
	return row < ARRAY_LEN(sops) ? sops[row].name : "";
}
