// TypedStruct: how a proxy is told a configuration whose type only the proxy knows.
import { create, createFileRegistry, type Registry } from '@bufbuild/protobuf'
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorSetSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
  StructSchema,
} from '@bufbuild/protobuf/wkt'

const names = ['xds.type.v3', 'udpa.type.v1'] as const

/** Both names it goes by. */
export const typedStructs: Registry = createFileRegistry(
  create(FileDescriptorSetSchema, {
    file: [
      file_google_protobuf_struct.proto,
      ...names.map((name) =>
        create(FileDescriptorProtoSchema, {
          name: `${name.replaceAll('.', '/')}/typed_struct.proto`,
          package: name,
          syntax: 'proto3',
          dependency: ['google/protobuf/struct.proto'],
          messageType: [
            {
              name: 'TypedStruct',
              field: [
                { name: 'type_url', number: 1, type: Type.STRING, label: Label.OPTIONAL, jsonName: 'typeUrl' },
                {
                  name: 'value',
                  number: 2,
                  type: Type.MESSAGE,
                  typeName: `.${StructSchema.typeName}`,
                  label: Label.OPTIONAL,
                  jsonName: 'value',
                },
              ],
            },
          ],
        }),
      ),
    ],
  }),
)

/** Type of what is made of messages that only the proxy knows. */
export const typedStructUrl = 'type.googleapis.com/xds.type.v3.TypedStruct'
