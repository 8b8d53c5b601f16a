"""The log for other systems: FHIR AuditEvents and DICOM audit messages, told in sealing order and never left out."""
