//! Histories as Apache Parquet: one row a call, typed, compressed with Zstandard.
//!
//! Times are `TIMESTAMP(MILLIS, UTC)`, numbers `INTEGER` without a sign, hashes 32 bytes, texts `STRING`; what may be
//! absent is null.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{
    Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical,
};
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{ColumnPath, Type};

use super::call::{COLUMNS, Call, Cell, Column, HASH_BYTES, Kind};
use super::export::Writer;

/// Calls of one row group: all that is in memory of a history, some 20 MB.
const GROUP_CALLS: usize = 65_536;

pub(super) struct Parquet<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: [Buffer; COLUMNS.len()],
    calls: usize,
}

/// The values of a column that wait for their row group, with a level for each call where one may be absent: 1 is
/// there, 0 is absent.
struct Buffer {
    values: Values,
    levels: Option<Vec<i16>>,
}

enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Text(Vec<ByteArray>),
    Hash(Vec<FixedLenByteArray>),
}

impl<W: Write + Send> Parquet<W> {
    pub(super) fn new(out: W) -> std::io::Result<Self> {
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("tacit ", env!("CARGO_PKG_VERSION")).into())
            .set_compression(Compression::ZSTD(Default::default()));
        // No hash comes twice in a way that a dictionary could use.
        for column in COLUMNS.iter().filter(|column| column.kind == Kind::Hash) {
            let path = ColumnPath::from(column.name);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
        let writer = SerializedFileWriter::new(
            out,
            Arc::new(schema().map_err(failed)?),
            Arc::new(properties.build()),
        );
        Ok(Self {
            writer: writer.map_err(failed)?,
            columns: COLUMNS.map(Buffer::new),
            calls: 0,
        })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for buffer in &mut self.columns {
            let Some(mut column) = group.next_column()? else {
                return Err(ParquetError::General("a column is missing".into()));
            };
            buffer.write(&mut column)?;
            column.close()?;
        }
        group.close()?;
        self.calls = 0;
        Ok(())
    }
}

impl<W: Write + Send> Writer<W> for Parquet<W> {
    fn add(&mut self, call: &Call<'_>) -> std::io::Result<()> {
        for (buffer, cell) in self.columns.iter_mut().zip(call.cells()) {
            buffer.add(cell);
        }
        self.calls += 1;
        if self.calls == GROUP_CALLS {
            self.write_group().map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> std::io::Result<W> {
        if self.calls > 0 {
            self.write_group().map_err(failed)?;
        }
        self.writer.into_inner().map_err(failed)
    }
}

impl Buffer {
    fn new(column: Column) -> Self {
        Self {
            values: match column.kind {
                Kind::Number32 => Values::Int32(Vec::new()),
                Kind::Number64 | Kind::Moment => Values::Int64(Vec::new()),
                Kind::Text => Values::Text(Vec::new()),
                Kind::Hash => Values::Hash(Vec::new()),
            },
            levels: column.optional.then(Vec::new),
        }
    }

    /// Numbers without a sign travel as the bits of those with one (the format's `INTEGER` with `isSigned` false).
    fn add(&mut self, cell: Cell<'_>) {
        if let Some(levels) = &mut self.levels {
            levels.push(i16::from(cell != Cell::Absent));
        }
        match (&mut self.values, cell) {
            (_, Cell::Absent) => {}
            (Values::Int32(values), Cell::Number(number)) => values.push(number as u32 as i32),
            (Values::Int64(values), Cell::Number(number) | Cell::Moment(number)) => {
                values.push(number as i64);
            }
            (Values::Text(values), Cell::Text(text)) => {
                values.push(text.as_bytes().to_vec().into())
            }
            (Values::Hash(values), Cell::Hash(hash)) => values.push(hash.to_vec().into()),
            // A cell is of its column's kind: a test adds one of each.
            (_, cell) => debug_assert!(false, "{cell:?} in a column of another kind"),
        }
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        let levels = self.levels.as_deref();
        match &mut self.values {
            Values::Int32(values) => {
                column
                    .typed::<Int32Type>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Int64(values) => {
                column
                    .typed::<Int64Type>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Text(values) => {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
            Values::Hash(values) => {
                column
                    .typed::<FixedLenByteArrayType>()
                    .write_batch(values, levels, None)?;
                values.clear();
            }
        }
        if let Some(levels) = &mut self.levels {
            levels.clear();
        }
        Ok(())
    }
}

fn schema() -> Result<Type, ParquetError> {
    let fields = COLUMNS.iter().map(|column| {
        let (physical, logical) = match column.kind {
            Kind::Number32 => (Physical::INT32, Some(LogicalType::integer(32, false))),
            Kind::Number64 => (Physical::INT64, Some(LogicalType::integer(64, false))),
            Kind::Moment => {
                let utc = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (Physical::INT64, Some(utc))
            }
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Hash => (Physical::FIXED_LEN_BYTE_ARRAY, None),
        };
        let repetition = if column.optional {
            Repetition::OPTIONAL
        } else {
            Repetition::REQUIRED
        };
        let length = if column.kind == Kind::Hash {
            HASH_BYTES as i32
        } else {
            -1
        };
        Type::primitive_type_builder(column.name, physical)
            .with_repetition(repetition)
            .with_converted_type(ConvertedType::NONE)
            .with_logical_type(logical)
            .with_length(length)
            .build()
            .map(Arc::new)
    });
    Type::group_type_builder("history")
        .with_fields(fields.collect::<Result<_, _>>()?)
        .build()
}

fn failed(error: ParquetError) -> std::io::Error {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(error) => *error,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}
