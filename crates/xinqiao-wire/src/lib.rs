//! Records and their codecs: JSON, XML, form, multipart. No I/O.
